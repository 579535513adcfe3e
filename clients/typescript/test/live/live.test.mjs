// The client against the real service: the promises of its README, through a network that loses requests and answers.
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { ContentionError, LetheError, MemoryStorage, NotFoundError, OfflineCache, PreconditionFailedError, WatchEndedError } from '../../dist/index.js';
import { dice } from '../fake.mjs';
import { asAdmin, base, breaking, clientOf, newUser, startNode, unreliable } from './service.mjs';

let user;
let lethe;

beforeEach(async () => {
  user = await newUser();
  lethe = clientOf(user);
});

const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const texts = (items) => Object.fromEntries(items.map(({ key, text }) => [key, text]));

describe('preferences', () => {
  test('set, get, patch, delete', async () => {
    assert.deepEqual(await lethe.set('theme', { dark: true }), { revision: 1, created: true });
    assert.deepEqual(await lethe.set('theme', { dark: true }), { revision: 1, created: false }, 'nothing new');
    const { createdAt, updatedAt, ...item } = await lethe.get('theme');
    assert.deepEqual(item, { key: 'theme', value: { dark: true }, text: '{"dark":true}', revision: 1 });
    assert.match(createdAt, timestamp);
    assert.match(updatedAt, timestamp);
    assert.deepEqual((await lethe.patch('theme', { dark: null, size: 3 })).value, { size: 3 });
    const operations = [{ op: 'test', path: '/size', value: 3 }, { op: 'add', path: '/x', value: null }];
    assert.deepEqual((await lethe.jsonPatch('theme', operations)).value, { size: 3, x: null });
    await assert.rejects(lethe.jsonPatch('theme', [{ op: 'test', path: '/size', value: 4 }]), ({ slug, status }) => slug === 'patch-test-failed' && status === 409);
    await lethe.delete('theme', { ifMatch: 3 });
    await assert.rejects(lethe.get('theme'), NotFoundError);
    await assert.rejects(lethe.patch('theme', {}), NotFoundError);
    await assert.rejects(lethe.delete('theme'), NotFoundError);
  });

  test('every legal key', async () => {
    const keys = ['notifications.push', 'a.json', 'a/b', 'a%2Fb', '%2e%2e', '...', 'a+b c?d#e', 'changes', 'batch', '😀', 'é', 'é'.normalize('NFD'), '__proto__'];
    for (const [number, key] of keys.entries()) await lethe.set(key, number);
    for (const [number, key] of keys.entries()) assert.equal((await lethe.get(key)).value, number, key);
    assert.equal((await lethe.snapshot()).items.length, keys.length);
    for (const key of keys) await lethe.delete(key);
    await assert.rejects(lethe.set(' blank', 1), ({ status }) => status === 422);
  });

  test('texts are exact', async () => {
    const exact = clientOf(user, { json: { parse: (text) => text, stringify: (text) => text } });
    const text = '[9007199254740993,1.0,1e2,{"b":1,"a":2},"\\u0041é😀"]';
    await exact.set('put', text);
    await exact.set('batched', text, { ifNoneMatch: '*' });
    assert.equal((await exact.get('batched')).value, (await exact.get('put')).value, 'by either way');
    for (const part of ['9007199254740993', '1.0', '{"b":1,"a":2}']) assert.ok((await lethe.get('batched')).text.includes(part), part);
    assert.equal((await exact.changes()).changes[0].text, (await exact.get('put')).text);
    assert.equal((await exact.history('put')).items[0].text, (await exact.get('put')).text);
  });

  test('conditions', async () => {
    assert.deepEqual(await lethe.set('theme', 'dark', { ifNoneMatch: '*' }), { revision: 1, created: true });
    await assert.rejects(lethe.set('theme', 'light', { ifNoneMatch: '*' }), (error) => {
      assert.ok(error instanceof PreconditionFailedError);
      assert.deepEqual([error.status, error.current?.value, error.current?.revision], [412, 'dark', 1]);
      return true;
    });
    assert.deepEqual(await lethe.set('theme', 'light', { ifMatch: 1 }), { revision: 2, created: false });
    await assert.rejects(lethe.set('theme', 'x', { ifMatch: 1 }), ({ current }) => current.revision === 2);
    await assert.rejects(lethe.set('absent', 1, { ifMatch: '*' }), ({ current }) => current === null);
    await assert.rejects(lethe.delete('theme', { ifMatch: 1 }), ({ current }) => current.value === 'light');
    await assert.rejects(lethe.patch('theme', 1, { ifMatch: 1 }), ({ current }) => current.value === 'light');
    await assert.rejects(lethe.patchAll({ theme: 1 }, { ifMatch: 1 }), ({ currentRevision }) => currentRevision === 2);
    await assert.rejects(lethe.revert({ to: 1 }, { ifMatch: 1 }), ({ currentRevision }) => currentRevision === 2);
  });

  test('many at once', async () => {
    const { revision, changed, removed } = await lethe.patchAll({ a: 1, b: { c: 2 }, 'd.e': 3 });
    assert.deepEqual([revision, changed.sort(), removed], [3, ['a', 'b', 'd.e'], []]);
    assert.deepEqual(await lethe.patchAll({ a: null, b: { c: null } }), { revision: 5, changed: ['b'], removed: ['a'] });
    const operations = [{ op: 'put', key: 'x', value: 1 }, { op: 'merge', key: 'b', value: { d: 4 } }, { op: 'delete', key: 'nothing' }];
    await assert.rejects(lethe.batch(operations), ({ problem, status }) => problem.operation === 2 && status === 404);
    assert.equal((await lethe.list()).revision, 5, 'all or nothing');
    assert.deepEqual(await lethe.batch(operations, { atomic: false }), {
      revision: 7,
      results: [{ key: 'x', status: 201, revision: 6 }, { key: 'b', status: 200, revision: 7 }, { key: 'nothing', status: 404, slug: 'not-found' }],
    });
    assert.deepEqual(await lethe.revert({ to: 3, key: 'a' }), { revision: 8, changed: ['a'], removed: [] });
    assert.equal((await lethe.get('a')).value, 1);
  });

  test('lists, the log, and what is used', async () => {
    for (let page = 0; page < 3; page += 1) {
      const operations = Array.from({ length: 80 }, (_, index) => ({ op: 'put', key: `k${String(page * 80 + index).padStart(3, '0')}`, value: index }));
      await lethe.batch(operations);
    }
    const sizes = [];
    for await (const page of lethe.pages({ prefix: 'k1', limit: 40 })) sizes.push(page.items.length);
    assert.deepEqual(sizes, [40, 40, 20]);
    const { items, revision } = await lethe.snapshot();
    assert.deepEqual([items.length, revision], [240, 240]);
    assert.deepEqual((await lethe.list({ at: 2 })).items.map(({ key }) => key), ['k000', 'k001']);
    const { changes, more } = await lethe.changes({ since: 10, limit: 1 });
    assert.deepEqual([changes.length, more, changes[0].revision, changes[0].op, changes[0].value], [1, true, 11, 'put', 10]);
    assert.equal(String(changes[0].actor), String(user.id));
    await lethe.delete('k000');
    assert.deepEqual((await lethe.history('k000')).items.map(({ op }) => op), ['delete', 'put']);
    assert.equal((await lethe.usage()).keys, 239);
    const limits = await lethe.limits();
    assert.ok(Object.values(limits).every((limit) => limit > 0) && Object.keys(limits).length === 5, JSON.stringify(limits));
  });

  test('who is not known, and whose preferences these are', async () => {
    await assert.rejects(clientOf({ token: 'nonsense' }).usage(), (error) => error instanceof LetheError && error.status === 401);
    await assert.rejects(clientOf(user, { user: (await newUser()).id }).usage(), ({ status }) => status === 403);
    await clientOf(user, { user: user.id }).set('a', 1);
    assert.equal((await lethe.get('a')).value, 1);
  });
});

describe('one application', () => {
  test('a repeated write gets its first answer', async () => {
    const options = { idempotencyKey: `test-${user.id}` };
    const first = await lethe.patchAll({ a: 1 }, options);
    await lethe.set('a', 2);
    assert.deepEqual(await lethe.patchAll({ a: 1 }, options), first);
    assert.equal((await lethe.get('a')).value, 2);
    await assert.rejects(lethe.patchAll({ a: 3 }, options), ({ slug }) => slug === 'idempotency-key-reused');
  });

  test('a create whose answer was lost is not repeated after a deletion', async () => {
    let lose = true;
    const losing = async (url, init) => {
      const response = await fetch(url, init);
      if (!lose) return response;
      lose = false;
      await response.arrayBuffer();
      await lethe.delete('once');
      throw new TypeError('the answer was lost');
    };
    assert.deepEqual(await clientOf(user, { fetch: losing }).set('once', 1, { ifNoneMatch: '*' }), { revision: 1, created: true });
    await assert.rejects(lethe.get('once'), NotFoundError);
  });

  /** Counts by one, however often others are faster: nothing was written then. */
  async function increment(client) {
    try {
      await client.update('n', (n = 0) => n + 1);
    } catch (error) {
      if (!(error instanceof ContentionError)) throw error;
      await increment(client);
    }
  }

  test('no increment is lost or doubled', async () => {
    const roll = dice(11);
    const clients = Array.from({ length: 4 }, () => clientOf(user, { fetch: unreliable(roll, 0.3) }));
    await Promise.all(clients.map(async (client) => {
      for (let time = 0; time < 15; time += 1) await increment(client);
    }));
    const { value, revision } = await lethe.get('n');
    assert.deepEqual([value, revision], [60, 60]);
    await lethe.update('n', () => undefined);
    assert.deepEqual((await lethe.snapshot()).items, []);
  });
});

describe('a watch', () => {
  test('neither gap nor repeat, over connections that break', async () => {
    const watcher = clientOf(user, { fetch: breaking(dice(3)) });
    const revisions = [];
    const watching = (async () => {
      for await (const event of watcher.watch({ since: 0 })) if (revisions.push(event.revision) === 60) return;
    })();
    for (let number = 1; number <= 60; number += 1) {
      if (number % 3 === 0) await lethe.delete('k');
      else await lethe.set('k', number);
    }
    await watching;
    assert.deepEqual(revisions, Array.from({ length: 60 }, (_, index) => index + 1));
  });

  test('neither gap nor repeat, across nodes that are restarted', async () => {
    let node = await startNode();
    const redirected = (url, init) => fetch(String(url).replace(base, node.url), init);
    const watcher = clientOf(user, { fetch: redirected });
    const revisions = [];
    const watching = (async () => {
      for await (const event of watcher.watch({ since: 0 })) if (revisions.push(event.revision) === 11) return;
    })();
    for (let number = 1; number <= 9; number += 1) {
      await lethe.set('k', number);
      if (number % 4) continue;
      await node.stop();
      await lethe.set('k', `${number} while it was away`);
      node = await startNode();
    }
    await watching;
    await node.stop();
    assert.deepEqual(revisions, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  test('it ends with the account', async () => {
    const watch = lethe.watch({ since: 0 });
    await lethe.set('a', 1);
    assert.deepEqual((await watch.next()).value.key, 'a');
    // It may end before the deletion is answered.
    const ended = assert.rejects(watch.next(), (error) => error instanceof WatchEndedError || [401, 404, 410].includes(error.status));
    await asAdmin('DELETE', `/v1/users/${user.id}?mode=hard`);
    await ended;
  });

  test('an abort ends it', async () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    const next = lethe.watch({ signal: controller.signal }).next();
    setTimeout(() => controller.abort(reason), 100);
    await assert.rejects(next, reason);
  });
});

describe('an offline copy', () => {
  async function assertSame(cache) {
    const { items, revision } = await lethe.snapshot();
    assert.deepEqual(Object.fromEntries(cache.entries().sort()), Object.fromEntries(items.map(({ key, value }) => [key, value]).sort()));
    assert.deepEqual([cache.revision, cache.pending], [revision, 0]);
  }

  test('devices that lose answers and restart agree in the end, and count every increment once', async () => {
    const roll = dice(5);
    const resolve = ({ key, base: seen = 0, local, server = 0 }) => (key === 'count' ? server + local - seen : local);
    const options = { retry: { attempts: 2, baseDelay: 5, maxDelay: 20 }, fetch: unreliable(roll, 0.3) };
    const devices = Array.from({ length: 3 }, () => ({ storage: new MemoryStorage() }));
    const reopen = async (device, client) => (device.cache = await OfflineCache.open(client, device.storage, { resolve }));
    let increments = 0;
    await Promise.all(devices.map(async (device) => {
      await reopen(device, clientOf(user, options));
      for (let step = 0; step < 30; step += 1) {
        const dart = roll();
        if (dart < 0.2) await device.cache.set(`k${Math.floor(roll() * 4)}`, step);
        else if (dart < 0.3) await device.cache.delete(`k${Math.floor(roll() * 4)}`);
        else if (dart < 0.5) {
          increments += 1;
          await device.cache.set('count', (device.cache.get('count') ?? 0) + 1);
        } else if (dart < 0.6) await reopen(device, clientOf(user, options));
        else await device.cache.sync().catch((error) => assert.ok(error.name === 'ConnectionError' || error.status >= 502, error));
      }
    }));
    for (const device of [...devices, ...devices]) await (await reopen(device, lethe)).sync();
    for (const { cache } of devices) await assertSame(cache);
    assert.equal((await lethe.get('count')).value, increments);
  });

  test('it follows, and sends edits as they are made', async () => {
    const cache = await OfflineCache.open(lethe, new MemoryStorage());
    const controller = new AbortController();
    const heard = [];
    let wake = () => {};
    cache.onChange((change) => (heard.push(change), wake()));
    const hear = async (key, value) => {
      while (!heard.some((change) => change.key === key && change.value === value)) await new Promise((resolve) => (wake = resolve));
    };
    const following = cache.follow({ signal: controller.signal });
    following.catch(() => {});
    await lethe.set('theirs', 1);
    await hear('theirs', 1);
    await cache.set('mine', 2);
    for await (const { type, revision } of lethe.watch({ since: 1 })) {
      assert.deepEqual([type, revision], ['put', 2]);
      break;
    }
    await lethe.set('theirs', 3);
    await hear('theirs', 3);
    await cache.sync();
    await assertSame(cache);
    controller.abort(new Error('enough'));
    await assert.rejects(following, /enough/);
  });

  test('what is beyond a limit is taken back', async () => {
    const cache = await OfflineCache.open(lethe, new MemoryStorage());
    const { valueBytes } = await lethe.limits();
    const refused = [];
    cache.onRefused(({ key, error }) => refused.push([key, [413, 422].includes(error.status)]));
    await cache.set('big', 'x'.repeat(valueBytes + 1));
    await cache.set('fits', 'x');
    await cache.sync();
    assert.deepEqual(refused, [['big', true]]);
    await assertSame(cache);
    assert.deepEqual(texts((await lethe.list()).items), { fits: '"x"' });
  });
});
