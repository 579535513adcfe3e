// The steps of an offline copy.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { advanced, edited, emptyCopy, replaced, reset, seen } from '../../dist/copy.js';

const put = (revision, text) => ({ op: 'put', key: 'k', revision, text });

describe('a copy', () => {
  test('does not go back when the log tells again what it knows', () => {
    const copy = advanced(emptyCopy, [put(1, '1'), put(2, '2')]);
    assert.equal(advanced(copy, [put(1, '1'), put(2, '2')]), copy);
    const next = advanced(copy, [put(2, '2'), put(3, '3')]);
    assert.deepEqual([seen(next, 'k'), next.revision], ['3', 3]);
  });

  test('shows an edit that took place until the log tells of it, and what came before it', () => {
    const copy = edited(advanced(emptyCopy, [put(1, '1')]), 'k', '4', 'id');
    const settled = replaced(copy, copy.outbox[0], { ...copy.outbox[0], expected: 3, settled: 4 });
    const behind = advanced(settled, [put(2, '2'), put(3, '3')]);
    assert.deepEqual([seen(behind, 'k'), behind.outbox.length], ['4', 1]);
    const there = advanced(behind, [put(4, '4'), put(5, '5')]);
    assert.deepEqual([seen(there, 'k'), there.outbox.length], ['5', 0]);
  });

  test('of a service that went back forgets what took place, and sends again what may have', () => {
    let copy = advanced(emptyCopy, [put(9, '9')]);
    for (const key of ['a', 'b', 'c']) copy = edited(copy, key, '1', key);
    copy = replaced(copy, copy.outbox[0], { ...copy.outbox[0], expected: 0, settled: 12 });
    copy = replaced(copy, copy.outbox[1], { ...copy.outbox[1], expected: 0 });
    const back = reset(copy, { revision: 3, items: [{ key: 'k', text: '3', revision: 3 }] });
    assert.deepEqual(back.outbox.map(({ key, expected }) => [key, expected]), [['b', undefined], ['c', undefined]]);
    assert.ok(back.outbox.every(({ id }) => !['a', 'b', 'c'].includes(id)));
    assert.deepEqual([seen(back, 'k'), back.revision], ['3', 3]);
  });
});
