// The service under test, as the environment describes it, and a network that can be made unreliable.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Lethe } from '../../dist/index.js';

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run this suite through tests/run`);
  return value;
}

/** Where the service listens, without a slash at the end. */
export const base = required('LETHE_URL');

const adminToken = required('LETHE_ADMIN_TOKEN');

/** A plain token of the user with this id. */
export function tokenOf(user) {
  return execFileSync(required('LETHE_BINARY'), ['token', 'issue', '--user', String(user)], { encoding: 'utf8' }).trim();
}

/** Asks as an admin. */
export async function asAdmin(method, path, body) {
  const response = await fetch(base + path, {
    method,
    headers: { Authorization: `Bearer ${adminToken}`, ...(body && { 'Content-Type': 'application/json' }) },
    body: body && JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
  return response;
}

let counter = 0;

/** A new user: its id and a plain token. */
export async function newUser() {
  counter += 1;
  const username = `typescript-${process.pid}-${Date.now().toString(36)}-${counter}`;
  const { id } = await (await asAdmin('POST', '/v1/users', { username })).json();
  return { id, token: tokenOf(id) };
}

/** A client of that user that does not wait long. */
export function clientOf({ token }, options) {
  return new Lethe({ baseUrl: base, token, retry: { attempts: 20, baseDelay: 5, maxDelay: 50 }, ...options });
}

/** A fetch that loses some requests before they are sent, and some answers after the service has acted. */
export function unreliable(roll, share) {
  return async (url, init) => {
    if (roll() < share / 2) throw new TypeError('lost before it was sent');
    const response = await fetch(url, init);
    if (roll() >= share / 2) return response;
    await response.arrayBuffer();
    throw new TypeError('the answer was lost');
  };
}

/** A fetch whose streams break after a few pieces. */
export function breaking(roll) {
  return async (url, init) => {
    const response = await fetch(url, init);
    if (!String(url).includes('/changes/watch')) return response;
    const reader = response.body.getReader();
    let left = 1 + Math.floor(roll() * 4);
    const body = new ReadableStream({
      async pull(controller) {
        const { done, value } = left-- > 0 ? await reader.read() : { done: true };
        if (!done) return controller.enqueue(value);
        await reader.cancel();
        controller.error(new TypeError('terminated'));
      },
    });
    return new Response(body, { status: response.status, headers: response.headers });
  };
}

/** Another node on the same store: its URL, and how to end it in order. */
export async function startNode() {
  const service = spawn(required('LETHE_BINARY'), ['serve'], { env: process.env, stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(service, 'exit');
  const [greeting] = await Promise.race([once(service.stdout, 'data'), exit]);
  const stop = async () => {
    service.kill('SIGTERM');
    await exit;
  };
  return { url: String(greeting).match(/http:\/\/\S+/)[0], stop };
}
