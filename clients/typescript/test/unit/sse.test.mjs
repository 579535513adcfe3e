// The parser of event streams, on pieces that are cut anywhere.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EventStreamParser } from '../../dist/index.js';

function parse(...chunks) {
  const parser = new EventStreamParser();
  return chunks.flatMap((chunk) => parser.feed(chunk));
}

describe('an event stream', () => {
  test('an event has a type, data and an id', () => {
    assert.deepEqual(parse('event: put\nid: 7\ndata: {"a":1}\n\n'), [{ type: 'put', data: '{"a":1}', id: '7' }]);
    assert.deepEqual(parse('data: x\n\n'), [{ type: 'message', data: 'x', id: '' }]);
  });

  test('cut anywhere, with any line end, it is the same', () => {
    const expected = [
      { type: 'put', data: '{"é":"😀"}', id: '1' },
      { type: 'message', data: 'two\nlines', id: '1' },
      { type: 'end', data: '', id: '2' },
    ];
    for (const end of ['\n', '\r', '\r\n']) {
      const lines = [': hello', '', 'event: put', 'id: 1', 'data: {"é":"😀"}', '', 'data: two', 'data: lines', '', 'id: 2', 'event: end', 'data', '', ''];
      const text = lines.join(end);
      assert.deepEqual(parse(text), expected, JSON.stringify(end));
      assert.deepEqual(parse(...text), expected, 'one character at a time');
      for (let cut = 0; cut <= text.length; cut += 1) assert.deepEqual(parse(text.slice(0, cut), '', text.slice(cut)), expected);
    }
  });

  test('an unfinished event is none', () => {
    assert.deepEqual(parse('id: 8\ndata: x\n'), []);
  });

  test('no data, no event; and its type is not the next one\'s', () => {
    assert.deepEqual(parse('event: put\n\ndata: x\n\n'), [{ type: 'message', data: 'x', id: '' }]);
  });

  test('one space after the colon goes, others stay; what is unknown is passed over', () => {
    assert.deepEqual(parse(': heartbeat\nretry: 5\nother: y\ndata:  x:y \ndata:z\n\n'), [{ type: 'message', data: ' x:y \nz', id: '' }]);
  });

  test('an id with NUL in it is none', () => {
    assert.deepEqual(parse('id: 1\n\nid: a\0b\ndata: x\n\n'), [{ type: 'message', data: 'x', id: '1' }]);
  });
});
