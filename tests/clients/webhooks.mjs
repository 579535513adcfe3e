// Webhooks, taken and verified by the reference library of the Standard Webhooks specification, at an endpoint that is down, slow, answers
// 500 and cuts the connection as it likes. LIVES says how many users live through everything (10), SEED how the endpoint behaves.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { adminToken, freshName } from './service.mjs';

const LIVES = Number(process.env.LIVES ?? 10);
const LIFE = ['user.created', 'user.soft_deleted', 'user.restored', 'user.erasure_started', 'user.erased'];
const secret = `whsec_${randomBytes(32).toString('base64')}`;

/** Numbers from 0 to 1 that are the same for the same seed. */
function dice(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** An endpoint with moods. It takes a message in the end, and notes what it took. */
class Receiver {
  taken = [];
  refused = { down: 0, slow: 0, error: 0, cut: 0 };
  roll = dice(Number(process.env.SEED ?? 1));
  wanted = { number: Infinity, reached: () => {} };

  async open(port = 0) {
    this.server = createServer((request, response) => this.#answer(request, response));
    this.server.listen(port, '127.0.0.1');
    await new Promise((resolve) => this.server.once('listening', resolve));
    this.port = this.server.address().port;
  }

  async close() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async #answer(request, response) {
    const body = await text(request).catch(() => undefined);
    if (body === undefined) return; // Cut off when another request took the endpoint down.
    const mood = this.roll();
    if (mood < 0.1) {
      this.refused.error += 1;
      response.writeHead(500).end('not now');
    } else if (mood < 0.2) {
      this.refused.cut += 1;
      request.socket.destroy();
    } else if (mood < 0.23) {
      this.refused.slow += 1; // Longer than the service waits: it never answers.
    } else if (mood < 0.26) {
      this.refused.down += 1;
      request.socket.destroy();
      await this.close();
      await this.open(this.port);
    } else {
      const message = new Webhook(secret).verify(body, request.headers);
      this.taken.push({ id: request.headers['webhook-id'], body, message });
      response.writeHead(204).end();
      this.#notice();
    }
  }

  /** Resolves once so many different messages were taken. */
  untilTaken(number) {
    return new Promise((resolve) => {
      this.wanted = { number, reached: resolve };
      this.#notice();
    });
  }

  #notice() {
    if (new Set(this.taken.map(({ id }) => id)).size >= this.wanted.number) this.wanted.reached();
  }
}

/** Another node on the same store, which tells the receiver. */
async function serve(receiver) {
  const env = {
    ...process.env,
    LETHE__WEBHOOKS: `[{ url = "http://127.0.0.1:${receiver.port}/hook", secret = "${secret}" }]`,
    LETHE__DELIVERY__ALLOWED_NETWORKS: '127.0.0.0/8',
    LETHE__DELIVERY__TIMEOUT: '500ms',
    LETHE__DELIVERY__RETRY_AFTER: Array(40).fill('20ms').join(','),
  };
  const service = spawn(process.env.LETHE_BINARY, ['serve'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const greeting = await new Promise((resolve) => service.stdout.once('data', (data) => resolve(String(data))));
  return { service, base: greeting.match(/http:\/\/\S+/)[0] };
}

describe('webhooks', () => {
  const receiver = new Receiver();
  let node;

  before(async () => {
    await receiver.open();
    node = await serve(receiver);
  });

  after(async () => {
    node.service.kill('SIGTERM');
    await new Promise((resolve) => node.service.once('exit', resolve));
    await receiver.close();
  });

  const ask = (method, path, body) =>
    fetch(node.base + path, {
      method,
      headers: { Authorization: `Bearer ${adminToken}`, ...(body && { 'Content-Type': 'application/json' }) },
      body: body && JSON.stringify(body),
    });

  /** A whole life, with acts in between that are refused and that nobody may hear of. */
  async function live() {
    const username = freshName('mayfly');
    const created = await ask('POST', '/v1/users', { username, ext_id: `ext-${username}` });
    assert.equal(created.status, 201);
    const { id } = await created.json();
    const acts = [
      [409, 'POST', '/v1/users', { username }],
      [204, 'DELETE', `/v1/users/${id}?mode=soft`],
      [409, 'DELETE', `/v1/users/${id}?mode=soft`],
      [200, 'POST', `/v1/users/${id}/restore`],
      [200, 'POST', `/v1/users/${id}/restore`],
      [204, 'DELETE', `/v1/users/${id}?mode=hard`],
      [410, 'DELETE', `/v1/users/${id}?mode=hard`],
    ];
    for (const [status, ...act] of acts) assert.equal((await ask(...act)).status, status, act.join(' '));
    return { id, username };
  }

  test('every event is taken, in order and unchanged', async () => {
    const lives = [];
    for (let number = 0; number < LIVES; number += 1) lives.push(await live());
    await receiver.untilTaken(LIVES * LIFE.length);
    const taken = new Map();
    for (const { id, body, message } of receiver.taken) {
      if (taken.has(id)) assert.equal(body, taken.get(id).body, 'the same bytes each time');
      else taken.set(id, { body, message });
    }
    assert.equal(taken.size, LIVES * LIFE.length, 'nothing else was told');
    for (const { id, username } of lives) {
      const heard = [...taken.values()].map(({ message }) => message).filter(({ data }) => data.user_id === id);
      assert.deepEqual(heard.map(({ type }) => type), LIFE, 'in the order in which it happened');
      assert.ok(heard.every(({ data }) => data.ext_id === `ext-${username}`));
      assert.ok(heard.every(({ data }) => Object.keys(data).join() === 'user_id,ext_id,deletion_epoch'), 'ids alone');
    }
    console.log(`${receiver.taken.length} messages taken of ${LIVES} lives, refused before:`, receiver.refused);
  });

  test('what was told is listed, without the ext_id of anybody', async () => {
    const listed = await (await ask('GET', '/v1/webhooks/deliveries?state=delivered&limit=100')).json();
    assert.ok(listed.items.length > 0);
    assert.ok(!JSON.stringify(listed).includes('ext-'));
    for (const state of ['pending', 'failed']) {
      const { items } = await (await ask('GET', `/v1/webhooks/deliveries?state=${state}`)).json();
      assert.deepEqual(items, [], state);
    }
  });
});
