// Exact texts inside of JSON, and keys inside of paths.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { elements, members } from '../../dist/json.js';
import { encodeSegment, queryOf } from '../../dist/path.js';
import { dice } from '../fake.mjs';

describe('the texts inside of a JSON text', () => {
  test('members and elements keep their exact text', () => {
    const text = ' { "a" : 1.0 , "b":[ 1e400,{"x":"}]\\"\\\\"} ],"\\u0063":"","d":{},"e":null}\n';
    assert.deepEqual([...members(text)], [['a', '1.0'], ['b', '[ 1e400,{"x":"}]\\"\\\\"} ]'], ['c', '""'], ['d', '{}'], ['e', 'null']]);
    assert.deepEqual(elements('[9007199254740993, "a,]" ,[],{"b":[]}]'), ['9007199254740993', '"a,]"', '[]', '{"b":[]}']);
    assert.deepEqual([elements('[]'), [...members('{ }')]], [[], []]);
  });

  test('what is no object or array, or is cut off, is refused', () => {
    for (const text of ['', '[]', '<html>', '{', '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":{"b":1', '{"a":"', '{"a":"\\"', '{"a":,"b":1}', '{"a" 1}']) {
      assert.throws(() => members(text), SyntaxError, text);
    }
    for (const text of ['', '{}', '[', '[1', '[1,', '[,]', '["', '[[1]']) assert.throws(() => elements(text), SyntaxError, text);
  });

  test('they are what JSON.parse finds', () => {
    const roll = dice(7);
    const pick = (choices) => choices[Math.floor(roll() * choices.length)];
    const value = (depth) => {
      const size = Math.floor(roll() * 4);
      const kind = pick(depth > 3 ? ['scalar'] : ['scalar', 'array', 'object']);
      if (kind === 'array') return Array.from({ length: size }, () => value(depth + 1));
      if (kind === 'object') return Object.fromEntries(Array.from({ length: size }, () => [pick(['a', '"', '\\', '{', '']) + roll(), value(depth + 1)]));
      return pick([null, true, -1.5e-7, '', 'x', '"', '\\', '\\"', '}{][,:', '\n\u2028😀']);
    };
    for (let round = 0; round < 500; round += 1) {
      const object = { ...value(4), a: value(0), b: value(0) };
      const text = JSON.stringify(object, null, pick([0, 1]));
      assert.deepEqual(Object.fromEntries([...members(text)].map(([name, part]) => [name, JSON.parse(part)])), object);
      const array = [value(0), value(0)];
      assert.deepEqual(elements(JSON.stringify(array)).map((part) => JSON.parse(part)), array);
    }
  });
});

describe('paths', () => {
  test('a key is one segment', () => {
    for (const key of ['notifications.push', 'a/b', 'a%2Fb', '%2e%2e', 'a+b c?d#e', '😀', 'changes', '...', 'é', ';=&']) {
      const { pathname } = new URL(`http://h/preferences/${encodeSegment(key)}`);
      assert.equal(decodeURIComponent(pathname.slice('/preferences/'.length)), key);
      assert.equal(pathname.split('/').length, 3);
    }
  });

  test('what URL clients fold away is refused', () => {
    for (const key of ['', '.', '..']) assert.throws(() => encodeSegment(key), TypeError);
  });

  test('a query has only what is given', () => {
    assert.equal(queryOf({ prefix: undefined, limit: undefined }), '');
    assert.equal(queryOf({ prefix: 'a&b', since: 0 }), '?prefix=a%26b&since=0');
  });
});
