// The offline copy against a fake service: what is read, what is sent, and that both are the same in the end.
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { ConnectionError, ContentionError, Lethe, MemoryStorage, OfflineCache, WatchEndedError } from '../../dist/index.js';
import { dice, FakeLethe, faults, hurry } from '../fake.mjs';

let fake;
let lethe;
let storage;

function client(options) {
  return new Lethe({ baseUrl: 'http://service', token: 'secret', fetch: fake.fetch, retry: hurry, ...options });
}

beforeEach(() => {
  fake = new FakeLethe();
  lethe = client();
  storage = new MemoryStorage();
});

const open = (options) => OfflineCache.open(lethe, storage, options);
const tick = (milliseconds = 5) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function until(condition) {
  for (let time = 0; time < 1_000 && !condition(); time += 1) await tick(2);
  assert.ok(condition(), 'in time');
}

/** What a copy shows, as texts. */
const contents = (cache) => Object.fromEntries(cache.entries().sort().map(([key, value]) => [key, JSON.stringify(value)]));

function assertSame(cache) {
  assert.deepEqual(contents(cache), fake.contents());
  assert.deepEqual([cache.pending, cache.revision], [0, fake.revision]);
}

describe('reading', () => {
  test('a copy is taken once, then kept up to date by changes', async () => {
    for (let number = 0; number < 250; number += 1) fake.write(`k${number}`, number);
    const cache = await open();
    assert.deepEqual([cache.get('k1'), cache.revision, cache.has('k1')], [undefined, undefined, false]);
    await cache.sync();
    assertSame(cache);
    for (let number = 0; number < 250; number += 1) fake.write(`k${number}`, number % 2 ? undefined : -number);
    fake.requests.length = 0;
    await cache.sync();
    assertSame(cache);
    assert.deepEqual(fake.requests.map(({ path }) => path.split('/').at(-1)), ['changes?since=250', 'changes?since=350', 'changes?since=450']);
  });

  test('it is there without a network, in another process', async () => {
    fake.write('theme', { dark: true });
    await (await open()).sync();
    fake.fault = () => faults.refuse;
    const cache = await open();
    assert.deepEqual([cache.get('theme'), cache.has('theme'), cache.revision], [{ dark: true }, true, 1]);
    await assert.rejects(cache.sync(), ConnectionError);
    assert.deepEqual(cache.entries(), [['theme', { dark: true }]]);
  });

  test('a value that is taken out and changed does not change the copy', async () => {
    fake.write('list', [1]);
    const cache = await open();
    await cache.sync();
    cache.get('list').push(2);
    assert.deepEqual(cache.get('list'), [1]);
  });

  test('the whole set is read when the log does not reach back', async () => {
    fake.write('a', 1);
    const cache = await open();
    await cache.sync();
    fake.write('a', undefined);
    fake.write('b', 2);
    fake.trim();
    await cache.sync();
    assertSame(cache);
  });

  test('the whole set is read when the service went back, and edits are kept', async () => {
    fake.write('a', 1);
    const backup = fake.backup();
    fake.write('a', 2);
    fake.write('b', 2);
    const cache = await open();
    await cache.sync();
    await cache.set('c', 3);
    fake.restore(backup);
    await cache.sync();
    assertSame(cache);
    assert.deepEqual(contents(cache), { a: '1', c: '3' });
  });

  test('a step saves once, and what cannot be saved is not shown', async () => {
    fake.write('a', 1);
    let saves = 0;
    let full = false;
    const counting = { load: () => null, save: async () => { if (full) throw new Error('full'); saves += 1; } };
    const cache = await OfflineCache.open(lethe, counting);
    await cache.sync();
    assert.equal(saves, 1);
    await cache.sync();
    assert.equal(saves, 1, 'nothing new');
    await cache.set('b', 2);
    assert.equal(saves, 2);
    await cache.sync();
    assert.equal(saves, 5, 'sent, taken place, seen in the log');
    full = true;
    await assert.rejects(cache.set('b', 3), /full/);
    assert.equal(cache.get('b'), 2);
    full = false;
    await cache.set('b', 4);
    assert.equal(cache.get('b'), 4, 'and it goes on');
  });

  test('what is no copy is refused', async () => {
    storage.save('{"version":2}');
    await assert.rejects(open(), /version 2/);
  });
});

describe('editing', () => {
  test('an edit is seen at once, and sent by the next sync', async () => {
    fake.write('gone', 1);
    const cache = await open();
    await cache.sync();
    await cache.set('theme', 'dark');
    await cache.delete('gone');
    await cache.delete('never was');
    assert.deepEqual([contents(cache), cache.pending, cache.has('gone')], [{ theme: '"dark"' }, 2, false]);
    const again = await open();
    assert.deepEqual([contents(again), again.pending], [{ theme: '"dark"' }, 2], 'also after a restart');
    await again.sync();
    assertSame(again);
    assert.deepEqual(fake.contents(), { theme: '"dark"' });
  });

  test('edits before the first sync', async () => {
    fake.write('theme', 'light');
    const cache = await open();
    await cache.set('theme', 'dark');
    await cache.set('new', 1);
    await cache.sync();
    assertSame(cache);
    assert.deepEqual(fake.contents(), { new: '1', theme: '"dark"' });
  });

  test('only the last edit of a key is sent, and none that changes nothing', async () => {
    fake.write('a', 1);
    const cache = await open();
    await cache.sync();
    await cache.set('a', 1);
    assert.equal(cache.pending, 0);
    await cache.set('a', 2);
    await cache.set('a', 3);
    await cache.sync();
    assertSame(cache);
    assert.equal(fake.revision, 2);
  });

  test('the edit made here wins, for its key', async () => {
    for (const key of ['a', 'b', 'c', 'd']) fake.write(key, 'old');
    const cache = await open();
    await cache.sync();
    await cache.set('a', 'mine');
    await cache.delete('b');
    await cache.set('c', 'mine');
    fake.write('a', 'theirs');
    fake.write('b', 'theirs');
    fake.write('c', undefined);
    fake.write('d', 'theirs');
    await cache.sync();
    assertSame(cache);
    assert.deepEqual(fake.contents(), { a: '"mine"', c: '"mine"', d: '"theirs"' });
  });

  test('a resolver decides, once for each conflict', async () => {
    for (const key of ['merged', 'theirs', 'deleted']) fake.write(key, 1);
    fake.put('exact', '1.0');
    const conflicts = [];
    const resolve = (conflict) => {
      conflicts.push(conflict);
      if (conflict.key === 'merged') return conflict.server + conflict.local - conflict.base;
      return conflict.key === 'deleted' ? undefined : conflict.server;
    };
    const cache = await open({ resolve });
    await cache.sync();
    for (const key of ['merged', 'theirs', 'deleted', 'exact', 'alone']) await cache.set(key, 11);
    for (const key of ['merged', 'theirs', 'deleted']) fake.write(key, 101);
    fake.put('exact', '2.0');
    await cache.sync();
    assert.deepEqual(conflicts[0], { key: 'merged', base: 1, local: 11, server: 101 });
    assert.deepEqual(conflicts.map(({ key }) => key), ['merged', 'theirs', 'deleted', 'exact']);
    assert.deepEqual(fake.contents(), { alone: '11', exact: '2.0', merged: '111', theirs: '101' });
    assert.equal(cache.get('exact'), 2);
    assert.deepEqual([cache.pending, cache.revision], [0, fake.revision]);
  });

  test('a change between the look and the sending is a conflict, too', async () => {
    fake.write('n', 1);
    const cache = await open({ resolve: ({ base = 0, local, server = 0 }) => server + local - base });
    await cache.sync();
    await cache.set('n', 11);
    let others = 3;
    fake.before = ({ url }) => {
      if (url.pathname.endsWith('/batch') && others-- > 0) fake.write('n', JSON.parse(fake.contents().n) + 100);
    };
    await cache.sync();
    assertSame(cache);
    assert.deepEqual(fake.contents(), { n: '311' });
    fake.before = ({ url }) => url.pathname.endsWith('/batch') && fake.write('n', fake.revision);
    await cache.set('n', 0);
    await assert.rejects(cache.sync(), ContentionError);
    fake.before = () => {};
    await cache.sync();
    assertSame(cache);
  });

  test('an edit whose answer was lost takes place once, also when another one follows and the process ends', async () => {
    const resolve = ({ base = 0, local, server = 0 }) => server + local - base;
    let cache = await open({ resolve });
    await cache.sync();
    await cache.set('n', 1);
    fake.fault = ({ url }) => (url.pathname.endsWith('/batch') ? faults.loseAnswer : undefined);
    await assert.rejects(cache.sync(), ConnectionError);
    fake.write('n', 101);
    cache = await open({ resolve });
    cache.onRefused(({ error }) => assert.fail(error));
    await cache.set('n', 3);
    fake.fault = () => undefined;
    await cache.sync();
    assertSame(cache);
    assert.deepEqual(fake.contents(), { n: '103' });
  });

  test('what the service refuses for good is taken back and told', async () => {
    fake.refusedKeys.add('big');
    const cache = await open();
    const refused = [];
    const changes = [];
    cache.onRefused(({ key, value, error }) => refused.push([key, value, error.slug]));
    cache.onChange(({ key, value, origin }) => changes.push([key, value, origin]));
    await cache.set('big', 'x');
    await cache.set('fits', 'y');
    await cache.sync();
    assertSame(cache);
    assert.deepEqual(refused, [['big', 'x', 'quota-exceeded']]);
    assert.deepEqual(changes, [['big', 'x', 'local'], ['fits', 'y', 'local'], ['big', undefined, 'server']]);
  });

  test('listeners hear of each change of what is seen, until they leave', async () => {
    fake.write('a', 1);
    const cache = await open();
    const heard = [];
    const leave = cache.onChange((change) => heard.push(change));
    await cache.sync();
    await cache.set('a', 2);
    await cache.sync();
    fake.write('a', undefined);
    fake.write('b', { c: 1 });
    await cache.sync();
    leave();
    await cache.set('b', 3);
    assert.deepEqual(heard, [
      { key: 'a', value: 1, origin: 'server' },
      { key: 'a', value: 2, origin: 'local' },
      { key: 'a', value: undefined, origin: 'server' },
      { key: 'b', value: { c: 1 }, origin: 'server' },
    ]);
  });
});

describe('following', () => {
  let end;
  let following;

  function follow(cache) {
    end = new AbortController();
    following = cache.follow({ signal: end.signal });
    following.catch(() => {});
  }

  async function stop() {
    const reason = new Error('enough');
    end.abort(reason);
    await assert.rejects(following, reason);
    await tick();
    assert.equal(fake.watchers.size, 0);
  }

  test('changes come as they happen, and edits leave as they are made', async () => {
    fake.write('a', 1);
    const cache = await open();
    follow(cache);
    await until(() => fake.watchers.size === 1);
    fake.write('a', 2);
    await until(() => cache.get('a') === 2);
    await cache.set('b', 3);
    await until(() => cache.pending === 0);
    assertSame(cache);
    await cache.delete('a');
    await until(() => cache.pending === 0);
    assertSame(cache);
    await stop();
  });

  test('it waits for the service, and takes a resync', async () => {
    const cache = await open();
    await cache.set('mine', 1);
    fake.fault = () => faults.refuse;
    follow(cache);
    await tick(60);
    fake.fault = () => undefined;
    await until(() => fake.watchers.size === 1);
    assertSame(cache);
    fake.fault = () => faults.refuse;
    fake.tell('unfinished');
    fake.end('shutdown');
    await cache.set('mine', 2);
    fake.write('a', 1);
    fake.write('b', 1);
    fake.trim();
    await tick(60);
    assert.equal(cache.pending, 1);
    fake.fault = () => undefined;
    await until(() => cache.pending === 0 && cache.get('b') === 1);
    assertSame(cache);
    await stop();
  });

  test('it misses nothing of a service that went back and has caught up since', async () => {
    fake.write('a', 1);
    const backup = fake.backup();
    fake.write('a', 2);
    fake.write('a', 3);
    const cache = await open();
    follow(cache);
    await until(() => fake.watchers.size === 1);
    fake.fault = ({ url }) => (url.pathname.endsWith('/watch') ? faults.refuse : undefined);
    fake.end('shutdown');
    fake.restore(backup);
    await cache.set('mine', 1);
    await until(() => cache.pending === 0);
    assert.equal(cache.revision, 2, 'an edit has found out before the watch');
    fake.write('b', 1);
    fake.write('c', 1);
    fake.fault = () => undefined;
    await until(() => cache.get('c') === 1);
    assertSame(cache);
    await stop();
  });

  test('it ends when it is of no use any more', async () => {
    const cache = await open();
    follow(cache);
    await until(() => fake.watchers.size === 1);
    fake.end('token');
    await assert.rejects(following, WatchEndedError);
    fake.fault = () => async () => new Response('{"type":"/problems/user-erased","status":410}', { status: 410 });
    await assert.rejects(cache.follow(), ({ slug }) => slug === 'user-erased');
  });
});

test('devices that edit, lose answers, restart and follow agree in the end, and count every increment once', async () => {
  for (let seed = 1; seed <= 15; seed += 1) {
    fake = new FakeLethe();
    const roll = dice(seed);
    const kinds = Object.values(faults).filter((fault) => fault !== faults.hang);
    fake.fault = () => (roll() < 0.25 ? kinds[Math.floor(roll() * kinds.length)] : undefined);
    const resolve = ({ key, base = 0, local, server = 0 }) => (key === 'count' ? server + local - base : local);
    let increments = 0;
    const devices = Array.from({ length: 3 }, () => ({ storage: new MemoryStorage() }));
    const reopen = async (device) => {
      device.cache = await OfflineCache.open(client({ retry: { ...hurry, attempts: 2 } }), device.storage, { resolve });
      device.cache.onRefused(({ error }) => assert.fail(error));
    };
    await Promise.all(devices.map(async (device) => {
      await reopen(device);
      for (let step = 0; step < 40; step += 1) {
        const dart = roll();
        const key = `k${Math.floor(roll() * 4)}`;
        if (dart < 0.2) await device.cache.set(key, step);
        else if (dart < 0.3) await device.cache.delete(key);
        else if (dart < 0.5) {
          increments += 1;
          await device.cache.set('count', (device.cache.get('count') ?? 0) + 1);
        } else if (dart < 0.55) fake.trim();
        else if (dart < 0.6) await reopen(device);
        else await device.cache.sync().catch((error) => assert.ok(error instanceof ConnectionError || error.status === 429 || error.status >= 502, error));
      }
    }));
    fake.fault = () => undefined;
    for (const device of [...devices, ...devices]) {
      await reopen(device);
      await device.cache.sync();
    }
    for (const { cache } of devices) assertSame(cache);
    assert.equal(fake.contents().count, String(increments), `seed ${seed}`);
  }
});
