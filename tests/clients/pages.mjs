// The examples of the five documented pages, which lie in pages/ as printed, run against the service.
//
// What every run must change is filled in: the host, the token, the ids, and `{body}`, which is the page's own body example.
// What cannot run as printed is mended, and each mend says why.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { adminToken, base, newUser } from './service.mjs';

const scratch = mkdtempSync(join(tmpdir(), 'lethe-pages-'));
after(() => rmSync(scratch, { recursive: true }));
// So that the commands themselves stay as printed: quiet, and the status on a line of its own below the answer.
writeFileSync(join(scratch, '.curlrc'), 'silent\nmax-time = 20\nwrite-out = "\\n%{http_code}"\n');

const pageBody = '{\n    "key": "string",\n    "value": "json"\n}';

/** An example as printed. */
const printed = (file) => readFileSync(new URL(`pages/${file}`, import.meta.url), 'utf8');

/** `source` with every `from` replaced; each must occur, so that none outlives its reason. */
function change(source, changes) {
  return changes.reduce((text, [from, to]) => {
    assert.ok(text.includes(from), `nothing to change: ${from}`);
    return text.replaceAll(from, to);
  }, source);
}

/** Runs a program to its end, with `input` on its standard input. */
function run(program, args, { input = '', env = {} } = {}) {
  return new Promise((resolve) => {
    const child = execFile(program, args, { env: { ...process.env, ...env }, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: error ? error.code : 0, stdout, stderr });
    });
    child.stdin.end(input);
  });
}

/** Runs a shell example: the status and the body that it printed. */
async function shell(source) {
  const { code, stdout, stderr } = await run('bash', ['-s'], { input: source, env: { CURL_HOME: scratch } });
  const [, body, status] = stdout.match(/^(.*)\n(\d{3})$/s) ?? assert.fail(`no status in ${JSON.stringify(stdout)}, ${stderr}`);
  return { status: Number(status), body, code, stderr };
}

/** Runs a fetch example in a process of its own: the status that it was answered with and the body that it logged. */
async function script(source) {
  const observe = `
    const plain = fetch;
    globalThis.fetch = (...request) => plain(...request).then((answer) => (process.stdout.write(String(answer.status)), answer));
    console.log = (body) => process.stdout.write(JSON.stringify(body));
  `;
  const { code, stdout, stderr } = await run(process.execPath, ['-e', observe + source]);
  return { status: Number(stdout.slice(0, 3)), body: stdout.slice(3), code, stderr };
}

/** Where an example's program is not installed, its test is left out and says so. */
async function missing(program, ...probe) {
  const { code } = await run(program, probe);
  return code === 0 ? false : `${[program, ...probe].join(' ')} does not run here`;
}

const asUser = ({ token }) => ({ Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' });

async function request(user, method, path, body) {
  const answer = await fetch(base + path, { method, headers: asUser(user), body: body && JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, body: text && JSON.parse(text) };
}

const preferencesOf = async (user) => (await request(user, 'GET', `/api/v2/user/${user.id}/preference/`)).body.results;

/** A user with one preference. */
async function userWithPreference() {
  const user = await newUser('reader');
  const { body: preference } = await request(user, 'POST', '/api/v2/user/me/preference/', { key: 'before', value: 'before' });
  return { user, preference };
}

/** The documented answer of create and patch: these fields, of these types, in this order. */
function assertDocumentedPreference(text, user) {
  const preference = JSON.parse(text);
  const types = Object.entries(preference).map(([field, value]) => [field, typeof value]);
  assert.deepEqual(types, [
    ['id', 'number'],
    ['user_id', 'number'],
    ['key', 'string'],
    ['value', 'string'],
    ['created_at', 'string'],
    ['last_updated_at', 'string'],
  ]);
  assert.deepEqual([preference.user_id, preference.key, preference.value], [user.id, 'string', 'json']);
  return preference;
}

// A text in single quotes cannot span lines in JavaScript.
const textOverLines = [
  ["'{\n", '`{\n'],
  ["\n}';", '\n}`;'],
];
// An object literal needs the name and the value apart.
const headerInObject = [["'Authorization: Bearer <token>'", "'Authorization': 'Bearer <token>'"]];
// Without it the request goes out alone, and the shell takes the header for a command.
const lineContinues = [['/\n', '/ \\\n']];

// Some versions of curl take long options in any case, others want them small.
const smallLetters = (await missing('curl', '--DATA', '', '--version')) ? [['--DATA', '--data']] : [];

const noPython = await missing('python3', '-c', 'import requests');
const noJava = await missing('javac', '-version');

// A 204 has no body, so the example's `res.json()` fails after the deletion was done. 204 is what is documented.
function assertNoContent({ status, body, stderr }) {
  assert.deepEqual([status, body], [204, '']);
  assert.match(stderr, /SyntaxError: Unexpected end of JSON input/);
}

describe('create a preference', () => {
  const fillIn = (user) => [
    ['/api/v2/user/1/', `${base}/api/v2/user/${user.id}/`],
    ['{access_token}', user.token],
  ];

  test('curl', async () => {
    const user = await newUser('reader');
    const answer = await shell(change(printed('create-preference/curl.sh'), [...smallLetters, ['{body}', pageBody], ...fillIn(user)]));
    assert.equal(answer.status, 201);
    assert.deepEqual(await preferencesOf(user), [assertDocumentedPreference(answer.body, user)]);
  });

  test('fetch', async () => {
    const user = await newUser('reader');
    const answer = await script(change(printed('create-preference/fetch.js'), [...textOverLines, ...fillIn(user)]));
    assert.equal(answer.status, 201);
    assert.deepEqual(await preferencesOf(user), [assertDocumentedPreference(answer.body, user)]);
  });
});

describe('patch a preference', () => {
  const fillIn = (user, preference) => [
    ['/api/v2/user/1/preference/1/', `${base}/api/v2/user/${user.id}/preference/${preference.id}/`],
    ['{access_token}', user.token],
  ];

  test('curl', async () => {
    const { user, preference } = await userWithPreference();
    const source = change(printed('patch-preference/curl.sh'), [...smallLetters, ['{body}', pageBody], ...fillIn(user, preference)]);
    for (const round of ['changes', 'changes nothing the second time']) {
      const answer = await shell(source);
      assert.equal(answer.status, 200, round);
      assert.equal(assertDocumentedPreference(answer.body, user).id, preference.id);
    }
  });

  test('fetch', async () => {
    const { user, preference } = await userWithPreference();
    const answer = await script(change(printed('patch-preference/fetch.js'), [...textOverLines, ...fillIn(user, preference)]));
    assert.equal(answer.status, 200);
    assert.deepEqual(await preferencesOf(user), [assertDocumentedPreference(answer.body, user)]);
  });
});

describe('delete a preference', () => {
  const fillIn = (user, preference) => [
    ['/api/v2/user/1/preference/1/', `${base}/api/v2/user/${user.id}/preference/${preference.id}/`],
    ['<token>', user.token],
  ];

  test('curl as printed asks without a token', async () => {
    const { user, preference } = await userWithPreference();
    const answer = await shell(change(printed('delete-preference/curl.sh'), fillIn(user, preference)));
    assert.deepEqual([answer.status, answer.code], [401, 127]);
    assert.deepEqual(await preferencesOf(user), [preference]);
  });

  test('curl', async () => {
    const { user, preference } = await userWithPreference();
    const answer = await shell(change(printed('delete-preference/curl.sh'), [...lineContinues, ...fillIn(user, preference)]));
    assert.deepEqual([answer.status, answer.body], [204, '']);
    assert.deepEqual(await preferencesOf(user), []);
  });

  test('fetch', async () => {
    const { user, preference } = await userWithPreference();
    assertNoContent(await script(change(printed('delete-preference/fetch.js'), [...headerInObject, ...fillIn(user, preference)])));
    assert.deepEqual(await preferencesOf(user), []);
  });
});

describe('delete a user', () => {
  const fillIn = (user, id) => [
    ['/api/v2/user/{id}/', `${base}/api/v2/user/${id}`],
    ['<token>', user.token],
  ];
  const soft = (user) => fillIn(user, `${user.id}/`);
  const hard = (user) => fillIn(user, `${user.id}/?hard=1`);
  const admin = { token: adminToken };
  const statusOf = async (user) => {
    const { body } = await request(admin, 'GET', `/api/v2/moderation/user/?status=u&limit=100`);
    if (body.results.some(({ id }) => id === user.id)) return 'u';
    return (await request(admin, 'GET', `/api/v2/account/search/?username=${user.username}`)).body.status;
  };

  test('curl as printed asks without a token', async () => {
    const user = await newUser('reader');
    const answer = await shell(change(printed('delete-user/curl.sh'), soft(user)));
    assert.deepEqual([answer.status, answer.code], [401, 127]);
    assert.equal(await statusOf(user), 'a');
  });

  test('curl, soft and then hard', async () => {
    const user = await newUser('reader');
    const curl = (fill) => shell(change(printed('delete-user/curl.sh'), [...lineContinues, ...fill]));
    const first = await curl(soft(user));
    assert.deepEqual([first.status, first.body, await statusOf(user)], [204, '', 'd']);
    const second = await curl(soft(user));
    assert.equal(second.status, 400);
    assert.match(second.body, /The user has already been soft deleted/);
    const third = await curl(hard(user));
    assert.deepEqual([third.status, third.body, await statusOf(user)], [204, '', 'u']);
    for (const fill of [soft(user), hard(user)]) {
      const gone = await curl(fill);
      assert.equal(gone.status, 404);
      assert.match(gone.body, /User not found/);
    }
  });

  test('fetch, soft and hard', async () => {
    for (const [fill, status] of [[soft, 'd'], [hard, 'u']]) {
      const user = await newUser('reader');
      assertNoContent(await script(change(printed('delete-user/fetch.js'), [...headerInObject, ...fill(user)])));
      assert.equal(await statusOf(user), status);
    }
  });
});

describe('delete settings', () => {
  const deleted = '{"success":true,"message":"User settings keys deleted successfully"}';
  const keysNeeded = '{"success":false,"message":"Keys array is required and must not be empty"}';
  const fillIn = (user) => [
    ['https://backend.flashback.tech', base],
    ['{access-token}', user.token],
  ];

  async function userWithSettings() {
    const user = await newUser('reader');
    await request(user, 'PUT', '/settings/user', { theme: 'dark', language: 'en', notifications: { email: true, push: true } });
    return user;
  }

  /** The two named keys are gone and nothing else is. */
  async function assertKeysDeleted(user) {
    const { body } = await request(user, 'GET', '/settings/user');
    assert.deepEqual(body, { success: true, settings: { language: 'en', notifications: { email: true } } });
  }

  test('curl', async () => {
    const user = await userWithSettings();
    const answer = await shell(change(printed('delete-settings/curl.sh'), fillIn(user)));
    assert.deepEqual([answer.status, answer.body], [200, deleted]);
    await assertKeysDeleted(user);
  });

  test('fetch', async () => {
    const user = await userWithSettings();
    const answer = await script(change(printed('delete-settings/fetch.js'), fillIn(user)));
    assert.deepEqual([answer.status, answer.body], [200, deleted]);
    await assertKeysDeleted(user);
  });

  test('no keys', async () => {
    const user = await userWithSettings();
    for (const keys of ['[]', '{}', 'null']) {
      const answer = await shell(change(printed('delete-settings/curl.sh'), [['["theme", "notifications.push"]', keys], ...fillIn(user)]));
      assert.deepEqual([answer.status, answer.body], [400, keysNeeded], keys);
    }
  });

  test('Python', { skip: noPython }, async () => {
    const user = await userWithSettings();
    const { stdout } = await run('python3', ['-c', change(printed('delete-settings/requests.py'), fillIn(user))]);
    assert.equal(stdout, "{'success': True, 'message': 'User settings keys deleted successfully'}\n");
    await assertKeysDeleted(user);
  });

  test('Java', { skip: noJava }, async () => {
    const user = await userWithSettings();
    // The example is the inside of a method.
    const program = join(scratch, 'Example.java');
    const sample = change(printed('delete-settings/url-connection.java'), fillIn(user));
    writeFileSync(program, `import java.io.*;\nimport java.net.*;\nclass Example {\n  public static void main(String[] arguments) throws Exception {\n${sample}\n  }\n}\n`);
    const { stdout } = await run('java', [program]);
    assert.equal(stdout, `${deleted}\n`);
    await assertKeysDeleted(user);
  });

  describe('over a raw connection', () => {
    const wire = (user) => change(printed('delete-settings/raw.http'), [['\n', '\r\n'], ...fillIn(user)]);

    /** Sends `text` and returns everything that is answered until the service closes. */
    async function exchange(text) {
      const { hostname, port } = new URL(base);
      const socket = connect(Number(port), hostname).setEncoding('utf8').setTimeout(20_000, () => socket.destroy(new Error('no answer')));
      let answer = '';
      socket.on('data', (chunk) => (answer += chunk));
      socket.write(text);
      await once(socket, 'close');
      return answer;
    }

    test('as printed it has no body, for it does not say how long one is', async () => {
      const user = await userWithSettings();
      const answer = await exchange(wire(user));
      assert.match(answer, /^HTTP\/1\.1 400 /);
      assert.ok(answer.includes(keysNeeded), answer);
    });

    test('with its length', async () => {
      const user = await userWithSettings();
      const text = wire(user);
      const [, body] = text.split('\r\n\r\n');
      const answer = await exchange(change(text, [['\r\n\r\n', `\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`]]));
      assert.match(answer, /^HTTP\/1\.1 200 /);
      assert.ok(answer.endsWith(`\r\n\r\n${deleted}`), answer);
      await assertKeysDeleted(user);
    });
  });
});
