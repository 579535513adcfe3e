// The service under test, as the environment describes it.
import { execFileSync } from 'node:child_process';

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run these suites through tests/run`);
  return value;
}

/** Where the service listens, without a slash at the end. */
export const base = required('LETHE_URL');

/** A token with the admin role. Its user need not exist. */
export const adminToken = required('LETHE_ADMIN_TOKEN');

/** A plain token of the user with this id. */
export function tokenOf(user) {
  return execFileSync(required('LETHE_BINARY'), ['token', 'issue', '--user', String(user)], { encoding: 'utf8' }).trim();
}

let counter = 0;

/** A name that no earlier run on the same store has used. */
export function freshName(stem) {
  counter += 1;
  return `${stem}-${process.pid}-${Date.now().toString(36)}-${counter}`;
}

/** A new user of that name, created over HTTP: what the sign-up answered, and a plain token. */
export async function newUser(stem) {
  const response = await fetch(`${base}/api/v2/sso/signup/`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${adminToken}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ username: freshName(stem) }),
  });
  if (response.status !== 201) throw new Error(`sign-up answered ${response.status}: ${await response.text()}`);
  const user = await response.json();
  return { ...user, token: tokenOf(user.id) };
}
