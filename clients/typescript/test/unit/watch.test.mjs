// The watch against a fake service whose streams break, fall silent and end.
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { Lethe, WatchEndedError } from '../../dist/index.js';
import { dice, FakeLethe, faults, hurry } from '../fake.mjs';

let fake;
let lethe;

function client(options) {
  return new Lethe({ baseUrl: 'http://service', token: 'secret', fetch: fake.fetch, retry: hurry, ...options });
}

beforeEach(() => {
  fake = new FakeLethe();
  lethe = client();
});

/** The first so many events of a watch. */
async function take(number, watch) {
  const events = [];
  for await (const event of watch) {
    events.push(event);
    if (events.length === number) break;
  }
  return events;
}

const tick = (milliseconds = 5) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const streams = () => fake.requests.filter(({ path }) => path.includes('/changes/watch'));

describe('a watch', () => {
  test('tells what was changed since, and what changes', async () => {
    fake.write('old', 1);
    fake.write('theme', { dark: true });
    const events = take(2, lethe.watch({ since: 1 }));
    await tick();
    fake.write('theme', undefined);
    const [put, removed] = await events;
    const { at, ...rest } = put;
    assert.deepEqual(rest, { type: 'put', op: 'put', key: 'theme', value: { dark: true }, text: '{"dark":true}', revision: 2, actor: 1 });
    assert.deepEqual([removed.type, removed.key, removed.revision, 'value' in removed], ['delete', 'theme', 3, false]);
    await tick();
    assert.equal(fake.watchers.size, 0, 'the connection is closed with the loop');
  });

  test('without a revision it begins now, also when the first connection breaks', async () => {
    fake.write('old', 1);
    let broken = false;
    fake.breakAfter = () => {
      if (broken) return Infinity;
      broken = true;
      fake.write('between', 2);
      return 3;
    };
    assert.deepEqual((await take(1, lethe.watch())).map(({ key }) => key), ['between']);
    assert.equal(streams().length, 2);
  });

  test('neither gap nor repeat, wherever connections break', async () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      fake = new FakeLethe();
      lethe = client();
      const roll = dice(seed);
      fake.breakAfter = () => Math.floor(roll() * 600);
      fake.fault = ({ url }) => (url.pathname.endsWith('/watch') && roll() < 0.2 ? faults[roll() < 0.5 ? 'refuse' : 'unavailable'] : undefined);
      const taken = take(60, lethe.watch({ since: 0 }));
      for (let number = 1; number <= 60; number += 1) {
        fake.write(`k${number % 5}`, number);
        if (roll() < 0.3) await tick(1);
      }
      assert.deepEqual((await taken).map(({ revision }) => revision), Array.from({ length: 60 }, (_, index) => index + 1), `seed ${seed}`);
      const sent = streams().map(({ headers }) => headers.get('last-event-id')).filter((id) => id !== null);
      assert.ok(sent.length > 0 && sent.every((id, index) => index === 0 || Number(id) >= Number(sent[index - 1])));
    }
  });

  test('a repeat by the service is not passed on', async () => {
    const events = take(2, lethe.watch({ since: 0 }));
    await tick();
    fake.write('a', 1);
    await tick();
    fake.tell('id: 1\nevent: put\ndata: {"revision":1,"key":"a","op":"put","value":1,"at":"","actor":1}\n\n');
    fake.tell('event: rename\ndata: of a later version\n\n: heartbeat\n\n');
    fake.write('b', 2);
    assert.deepEqual((await events).map(({ revision }) => revision), [1, 2]);
  });

  test('a resync tells that the log no longer reaches back', async () => {
    fake.write('a', 1);
    fake.write('a', 2);
    fake.trim();
    const events = take(2, lethe.watch({ since: 1 }));
    await tick();
    fake.write('b', 1);
    assert.deepEqual((await events).map(({ type, revision }) => [type, revision]), [['resync', 2], ['put', 3]]);
  });

  test('it goes on after a shutdown', async () => {
    const events = take(2, lethe.watch({ since: 0 }));
    await tick();
    fake.write('a', 1);
    await tick();
    fake.end('shutdown');
    await tick();
    fake.write('a', 2);
    assert.deepEqual((await events).map(({ revision }) => revision), [1, 2]);
    assert.equal(streams()[1].headers.get('last-event-id'), '1');
  });

  for (const reason of ['token', 'deleted']) {
    test(`it ends with an error when the service says ${reason}`, async () => {
      const events = take(1, lethe.watch({ since: 0 }));
      await tick();
      fake.end(reason);
      await assert.rejects(events, (error) => error instanceof WatchEndedError && error.reason === reason);
      assert.equal(streams().length, 1);
    });
  }

  test('a refusal is thrown', async () => {
    fake.fault = () => async () => new Response('{"type":"/problems/token-invalid","status":401}', { status: 401 });
    await assert.rejects(take(1, lethe.watch({ since: 0 })), ({ slug }) => slug === 'token-invalid');
  });

  test('a silent connection is replaced, one with heartbeats is kept, and a slow reader is no silence', async () => {
    lethe = client({ silence: 60 });
    const watch = lethe.watch({ since: 0 });
    fake.write('a', 1);
    await watch.next();
    await tick(100);
    assert.equal(streams().length, 1, 'the reader took its time');
    const next = watch.next();
    for (let time = 0; time < 6; time += 1) {
      await tick(20);
      fake.tell(': heartbeat\n\n');
    }
    assert.equal(streams().length, 1, 'heartbeats');
    await tick(100);
    assert.ok(streams().length >= 2, 'silence');
    fake.write('a', 2);
    assert.equal((await next).value.revision, 2);
    await watch.return();
  });

  test('a connection that never answers is replaced', async () => {
    lethe = client({ silence: 20 });
    let hangs = 1;
    fake.fault = () => (hangs-- > 0 ? faults.hang : undefined);
    fake.write('a', 1);
    assert.equal((await take(1, lethe.watch({ since: 0 }))).length, 1);
  });

  test('an abort ends it with its reason', async () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    const events = take(1, lethe.watch({ since: 0, signal: controller.signal }));
    await tick();
    controller.abort(reason);
    await assert.rejects(events, reason);
    await tick();
    assert.equal(fake.watchers.size, 0);
  });
});
