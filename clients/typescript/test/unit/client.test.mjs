// The client against a fake service: what is sent, what comes back, and what is tried again.
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { ConnectionError, ContentionError, CursorExpiredError, Lethe, LetheError, NotFoundError, PreconditionFailedError } from '../../dist/index.js';
import { backoff, sleep } from '../../dist/retry.js';
import { FakeLethe, faults, hurry } from '../fake.mjs';

let fake;
let lethe;

function client(options) {
  return new Lethe({ baseUrl: 'http://service/', token: 'secret', fetch: fake.fetch, retry: hurry, ...options });
}

/** The first so many attempts meet this fault. */
function failing(fault, times = 1) {
  let left = times;
  fake.fault = () => (left-- > 0 ? fault : undefined);
}

beforeEach(() => {
  fake = new FakeLethe();
  lethe = client();
});

describe('preferences', () => {
  test('set, get, patch, delete', async () => {
    assert.deepEqual(await lethe.set('a/b', { dark: true }), { revision: 1, created: true });
    assert.deepEqual(await lethe.set('a/b', { dark: true }), { revision: 1, created: false });
    const item = await lethe.get('a/b');
    assert.deepEqual([item.key, item.value, item.text, item.revision], ['a/b', { dark: true }, '{"dark":true}', 1]);
    assert.deepEqual((await lethe.patch('a/b', { dark: null, size: 3 })).value, { size: 3 });
    assert.deepEqual((await lethe.jsonPatch('a/b', [{ op: 'test', path: '/size', value: 3 }, { op: 'add', path: '/x', value: null }])).value, { size: 3, x: null });
    await lethe.delete('a/b', { ifMatch: 3 });
    await assert.rejects(lethe.get('a/b'), NotFoundError);
    await assert.rejects(lethe.delete('a/b'), NotFoundError);
    await assert.rejects(lethe.patch('a/b', {}), NotFoundError);
  });

  test('conditions', async () => {
    await lethe.set('theme', 'dark', { ifNoneMatch: '*' });
    await assert.rejects(lethe.set('theme', 'light', { ifNoneMatch: '*' }), ({ current, status, slug }) => {
      assert.deepEqual([current.value, current.text, current.revision, status, slug], ['dark', '"dark"', 1, 412, 'precondition-failed']);
      return true;
    });
    assert.deepEqual(await lethe.set('theme', 'light', { ifMatch: 1 }), { revision: 2, created: false });
    await assert.rejects(lethe.delete('theme', { ifMatch: 1 }), PreconditionFailedError);
    await assert.rejects(lethe.set('absent', 1, { ifMatch: '*' }), ({ current }) => current === null);
    await assert.rejects(lethe.patchAll({ theme: 1 }, { ifMatch: 1 }), ({ current, currentRevision }) => current === undefined && currentRevision === 2);
    await assert.rejects(lethe.patch('theme', 1, { ifMatch: 9 }), PreconditionFailedError);
  });

  test('many at once', async () => {
    assert.deepEqual(await lethe.patchAll({ a: 1, b: { c: 2 }, 3: 3 }), { revision: 3, changed: ['3', 'a', 'b'], removed: [] });
    assert.deepEqual(await lethe.patchAll({ a: null, b: { c: null } }), { revision: 5, changed: ['b'], removed: ['a'] });
    const operations = [{ op: 'put', key: 'x', value: 1 }, { op: 'merge', key: 'b', value: { d: 4 } }, { op: 'delete', key: 'nothing' }];
    await assert.rejects(lethe.batch(operations), ({ problem, status }) => problem.operation === 2 && status === 404);
    assert.equal(fake.revision, 5, 'all or nothing');
    assert.deepEqual(await lethe.batch(operations, { atomic: false }), {
      revision: 7,
      results: [{ key: 'x', status: 201, revision: 6 }, { key: 'b', status: 200, revision: 7 }, { key: 'nothing', status: 404, slug: 'not-found' }],
    });
    assert.deepEqual(await lethe.revert({ to: 3, key: 'a' }), { revision: 8, changed: ['a'], removed: [] });
  });

  test('lists, the log, and what is used', async () => {
    for (let number = 0; number < 250; number += 1) fake.write(`k${String(number).padStart(3, '0')}`, number);
    const pages = [];
    for await (const page of lethe.pages({ prefix: 'k1', limit: 40 })) pages.push(page.items.length);
    assert.deepEqual(pages, [40, 40, 20]);
    const { items, revision } = await lethe.snapshot();
    assert.deepEqual([items.length, revision], [250, 250]);
    const { changes, more } = await lethe.changes({ since: 10, limit: 1 });
    assert.deepEqual([changes.length, more, changes[0].revision, changes[0].op, changes[0].value], [1, true, 11, 'put', 10]);
    fake.write('k000', undefined);
    assert.deepEqual((await lethe.history('k000')).items.map(({ op }) => op), ['delete', 'put']);
    assert.equal((await lethe.usage()).keys, 249);
    assert.deepEqual(await lethe.limits(), { keys: 1000, bytes: 1000000, keyCharacters: 255, valueBytes: 65536, depth: 32 });
    fake.trim();
    await assert.rejects(lethe.changes(), CursorExpiredError);
  });

  test('a snapshot begins again when something changes between its pages', async () => {
    for (let number = 0; number < 150; number += 1) fake.write(`k${String(number).padStart(3, '0')}`, number);
    let writes = 1;
    fake.before = ({ url }) => {
      if (!url.searchParams.has('cursor') || writes === 0) return;
      writes -= 1;
      fake.write('k000', undefined);
      fake.write('z', 1);
    };
    const { items, revision } = await lethe.snapshot();
    assert.deepEqual([items.length, revision, items[0].key, items.at(-1).key], [150, 152, 'k001', 'z']);
    writes = Infinity;
    await assert.rejects(lethe.snapshot(), ContentionError);
  });

  test('texts are exact', async () => {
    fake.put('exact', '[9007199254740993,1.0,1e2]');
    assert.equal((await lethe.get('exact')).text, '[9007199254740993,1.0,1e2]');
    const texts = client({ json: { parse: (text) => text, stringify: (text) => text } });
    assert.equal((await texts.get('exact')).value, '[9007199254740993,1.0,1e2]');
    await texts.set('exact', '9007199254740995');
    assert.equal((await texts.list()).items[0].value, '9007199254740995');
    assert.equal((await texts.changes()).changes.at(-1).value, '9007199254740995');
    await texts.set('exact', '9007199254740997', { ifMatch: '*' });
    assert.equal(fake.items.get('exact').text, '9007199254740997');
  });

  test('what is no JSON, and keys that a URL cannot hold, are not sent', async () => {
    for (const value of [undefined, () => {}, Symbol('x')]) await assert.rejects(lethe.set('a', value), TypeError);
    for (const key of ['', '.', '..']) await assert.rejects(lethe.delete(key), TypeError);
    assert.equal(fake.requests.length, 0);
  });

  test('the token is asked for each time', async () => {
    const tokens = ['one', 'two'];
    const rotating = client({ token: async () => tokens.shift() });
    failing(faults.refuse);
    await rotating.usage();
    assert.deepEqual(fake.requests.map(({ headers }) => headers.get('authorization')), ['Bearer one', 'Bearer two']);
  });
});

describe('attempts', () => {
  const acts = {
    get: () => lethe.get('there'),
    set: () => lethe.set('new', 1),
    'conditional set': () => lethe.set('there', 2, { ifMatch: 1 }),
    create: () => lethe.set('new', 2, { ifNoneMatch: '*' }),
    patch: () => lethe.patch('there', { a: 1 }),
    delete: () => lethe.delete('there'),
    patchAll: () => lethe.patchAll({ new: 1 }),
    batch: () => lethe.batch([{ op: 'put', key: 'new', value: 1 }]),
    changes: () => lethe.changes(),
  };

  for (const fault of ['refuse', 'loseAnswer', 'cutAnswer', 'unavailable', 'unavailableAfterwards', 'badGateway']) {
    test(`after ${fault}, everything takes place once`, async () => {
      for (const [name, act] of Object.entries(acts)) {
        fake = new FakeLethe();
        lethe = client();
        fake.write('there', 1);
        failing(faults[fault], 2);
        await act();
        assert.equal(fake.revision, name === 'get' || name === 'changes' ? 1 : 2, name);
        assert.equal(fake.requests.length, 3);
        const keys = fake.requests.map(({ headers }) => headers.get('idempotency-key'));
        assert.equal(new Set(keys).size, 1, 'the same key each time');
        assert.equal(keys[0] === null, ['get', 'changes', 'set'].includes(name), name);
      }
    });
  }

  test('a conditional set whose answer was lost is not taken for one of another client with the same value', async () => {
    fake.write('counter', 5);
    failing(async (handle) => {
      fake.write('counter', 6); // The other client was faster, with the value that ours will have.
      await handle();
      throw new TypeError('connection reset');
    });
    await assert.rejects(lethe.set('counter', 6, { ifMatch: 1 }), ({ current }) => current.value === 6);
  });

  test('a create whose answer was lost is not repeated after somebody else deleted it', async () => {
    failing(async (handle) => {
      await handle();
      fake.write('once', undefined);
      throw new TypeError('connection reset');
    });
    assert.deepEqual(await lethe.set('once', 1, { ifNoneMatch: '*' }), { revision: 1, created: true });
    assert.deepEqual(fake.contents(), {});
  });

  test('they are bounded', async () => {
    fake.fault = () => faults.refuse;
    await assert.rejects(lethe.usage(), (error) => error instanceof ConnectionError && error.cause.message === 'connection refused');
    assert.equal(fake.requests.length, hurry.attempts);
    fake.fault = () => faults.unavailable;
    await assert.rejects(lethe.usage(), (error) => error instanceof LetheError && error.slug === 'unavailable' && error.retryAfter === 0);
    fake.fault = () => faults.tooMany;
    await assert.rejects(lethe.usage(), ({ slug }) => slug === 'too-many-followers');
    assert.equal(fake.requests.length, 3 * hurry.attempts);
    fake.fault = () => faults.badGateway;
    await assert.rejects(lethe.usage(), ({ slug, status }) => slug === 'http-502' && status === 502);
  });

  test('a write that is still running elsewhere is waited for', async () => {
    const body = JSON.stringify({ type: '/problems/idempotency-key-in-use', status: 409 });
    failing(async () => new Response(body, { status: 409, headers: { 'Retry-After': '0' } }), 2);
    await lethe.patchAll({ a: 1 });
    assert.equal(fake.requests.length, 3);
  });

  test('an unknown outcome can be settled later, by the same key', async () => {
    const idempotencyKey = 'kept-by-the-caller';
    fake.fault = () => faults.loseAnswer;
    await assert.rejects(lethe.set('a', 1, { idempotencyKey }), ConnectionError);
    fake.fault = () => undefined;
    assert.deepEqual(await lethe.set('a', 1, { idempotencyKey }), { revision: 1, created: true });
    await assert.rejects(lethe.set('a', 2, { idempotencyKey }), ({ slug }) => slug === 'idempotency-key-reused');
  });

  test('other refusals are not repeated', async () => {
    failing(async () => new Response(JSON.stringify({ type: '/problems/forbidden', status: 403, title: 'No' }), { status: 403 }), 9);
    await assert.rejects(lethe.usage(), ({ slug, message, problem }) => slug === 'forbidden' && message === '403 forbidden: No' && problem.title === 'No');
    assert.equal(fake.requests.length, 1);
  });

  test('one that hangs is given up in time', async () => {
    lethe = client({ timeout: 20 });
    failing(faults.hang);
    await lethe.usage();
    assert.equal(fake.requests.length, 2);
  });

  test('an abort ends them at once, with its reason', async () => {
    const reason = new Error('enough');
    fake.fault = () => faults.hang;
    const controller = new AbortController();
    const hanging = lethe.usage({ signal: controller.signal });
    setTimeout(() => controller.abort(reason), 5);
    await assert.rejects(hanging, reason);
    await assert.rejects(lethe.usage({ signal: controller.signal }), reason);
    assert.equal(fake.requests.length, 1);
    lethe = client({ retry: { baseDelay: 60_000, maxDelay: 60_000 } });
    fake.fault = () => faults.refuse;
    const signal = AbortSignal.timeout(5);
    await assert.rejects(lethe.usage({ signal }), { name: 'TimeoutError' });
  });

  test('delays grow to a bound, and differ', () => {
    const policy = { attempts: 9, baseDelay: 100, maxDelay: 1_000 };
    for (const [failures, most] of [[1, 100], [2, 200], [3, 400], [5, 1_000], [50, 1_000]]) {
      const delays = Array.from({ length: 100 }, () => backoff(failures, policy));
      assert.ok(delays.every((delay) => delay >= most / 2 && delay <= most), `${failures}`);
      assert.ok(new Set(delays).size > 50);
    }
  });

  test('a sleep leaves nothing behind', async () => {
    const { signal } = new AbortController();
    await sleep(1, signal);
    await assert.rejects(sleep(60_000, AbortSignal.abort(new Error('no'))), /no/);
  });
});
