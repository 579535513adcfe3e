// Read, modify, write, against others who do the same and a network that loses answers.
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { ContentionError, Lethe } from '../../dist/index.js';
import { dice, FakeLethe, faults, hurry } from '../fake.mjs';

let fake;
let lethe;

beforeEach(() => {
  fake = new FakeLethe();
  lethe = new Lethe({ baseUrl: 'http://service', token: 'secret', fetch: fake.fetch, retry: hurry });
});

const writes = () => fake.requests.filter(({ method }) => method !== 'GET').length;

describe('an update', () => {
  test('creates, replaces, deletes', async () => {
    assert.deepEqual(await lethe.update('n', (n = 0) => n + 1), { value: 1, revision: 1 });
    assert.deepEqual(await lethe.update('n', async (n) => n + 1), { value: 2, revision: 2 });
    assert.deepEqual(await lethe.update('n', () => undefined), { value: undefined, revision: undefined });
    assert.deepEqual(fake.contents(), {});
  });

  test('an equal value writes nothing, nor does the absence of one', async () => {
    fake.put('exact', '[9007199254740993,1.0]');
    assert.deepEqual(await lethe.update('exact', (value) => [...value]), { value: [9007199254740992, 1], revision: 1 });
    await lethe.update('absent', () => undefined);
    assert.equal(writes(), 0);
    assert.equal(fake.items.get('exact').text, '[9007199254740993,1.0]');
  });

  test('a value changed in place is a change', async () => {
    fake.write('list', [1]);
    await lethe.update('list', (list) => (list.push(2), list));
    assert.deepEqual(fake.contents(), { list: '[1,2]' });
  });

  test('it is applied again to what others wrote, without reading that again', async () => {
    fake.write('n', 1);
    const seen = [];
    await lethe.update('n', (n) => {
      seen.push(n);
      if (n === 1) fake.write('n', 10);
      if (n === 10) fake.write('n', undefined);
      return (n ?? 0) + 1;
    });
    assert.deepEqual([seen, fake.contents()], [[1, 10, undefined], { n: '1' }]);
    assert.equal(fake.requests.filter(({ method }) => method === 'GET').length, 1);
  });

  test('a deletion, too', async () => {
    fake.write('n', 1);
    await lethe.update('n', (n) => {
      if (n === 1) fake.write('n', 2);
      return undefined;
    });
    assert.deepEqual([fake.contents(), fake.revision], [{}, 3]);
    fake.write('n', 1);
    await lethe.update('n', () => (fake.items.has('n') && fake.write('n', undefined), undefined));
    assert.equal(fake.revision, 5, 'deleted by the other one');
  });

  test('it does not try for ever', async () => {
    let others = 0;
    await assert.rejects(lethe.update('n', (n = 0) => (fake.write('n', (others += 2)), n + 1)), ContentionError);
  });

  test('what its function throws is passed on', async () => {
    await assert.rejects(lethe.update('n', () => { throw new RangeError('mine'); }), RangeError);
  });

  test('no increment is lost or doubled, whatever the network does', async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      fake = new FakeLethe();
      const roll = dice(seed);
      const kinds = Object.values(faults).filter((fault) => fault !== faults.hang);
      fake.fault = () => (roll() < 0.4 ? kinds[Math.floor(roll() * kinds.length)] : undefined);
      const clients = Array.from({ length: 4 }, () =>
        new Lethe({ baseUrl: 'http://service', token: 'secret', fetch: fake.fetch, retry: { ...hurry, attempts: 50 } }));
      await Promise.all(clients.map(async (client) => {
        for (let time = 0; time < 10; time += 1) await client.update('n', (n = 0) => n + 1);
      }));
      assert.deepEqual([fake.contents(), fake.revision], [{ n: '40' }, 40], `seed ${seed}`);
    }
  });
});
