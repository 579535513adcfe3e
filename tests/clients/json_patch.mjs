// The test suite of RFC 6902's authors, through the service: each document is put as a preference, and patched over HTTP.
//
// Every case can be expressed so. Of the four that the suite leaves out two are run as well; the other two are patches with two members of one
// name, which are written out here: a JSON parser would lose one of the two.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { before, describe, test } from 'node:test';
import { base, newUser } from './service.mjs';

const load = createRequire(import.meta.url);
const SUITES = ['spec_tests.json', 'tests.json'];

let token;

before(async () => {
  ({ token } = await newUser('patcher'));
});

async function send(method, key, type, body) {
  const headers = { Authorization: `Bearer ${token}`, ...(type && { 'Content-Type': type }) };
  const response = await fetch(`${base}/v1/users/me/preferences/${encodeURIComponent(key)}`, { method, headers, body });
  const text = await response.text();
  return { status: response.status, etag: response.headers.get('etag'), type: response.headers.get('content-type'), body: text && JSON.parse(text) };
}

const patch = (key, text) => send('PATCH', key, 'application/json-patch+json', text);

/** Puts a document; what it is then. */
async function put(key, document) {
  const { status } = await send('PUT', key, 'application/json', JSON.stringify(document));
  assert.ok(status === 200 || status === 201, `the document could not be put: ${status}`);
  return send('GET', key);
}

/** Meets a refusal that leaves the value as it was. */
async function refused(key, text) {
  const earlier = await send('GET', key);
  const answer = await patch(key, text);
  assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status}: ${JSON.stringify(answer.body)}`);
  assert.equal(answer.type, 'application/problem+json');
  assert.deepEqual(await send('GET', key), earlier);
  return answer;
}

/** Whether a case is one whose patch has two members of one name. */
const isAmbiguous = ({ error, disabled }) => Boolean(disabled && error?.includes("two 'op' members"));

for (const name of SUITES) {
  const cases = load(`json-patch-test-suite/${name}`);
  describe(name, () => {
    for (const [place, { comment, doc, patch: operations, expected, error, ...rest }] of cases.entries()) {
      if (isAmbiguous({ error, ...rest })) continue;
      test(`${place}: ${comment ?? error ?? JSON.stringify(operations)}`, async () => {
        const key = `${name} ${place}`;
        const { etag } = await put(key, doc);
        const text = JSON.stringify(operations);
        if (error !== undefined) {
          const answer = await refused(key, text);
          const isTest = operations.at(-1)?.op === 'test' && answer.status === 409;
          assert.equal(answer.body.type.endsWith('/patch-test-failed'), isTest);
          return;
        }
        const answer = await patch(key, text);
        assert.equal(answer.status, 200, JSON.stringify(answer.body));
        // A case that expects nothing consists of tests.
        assert.deepEqual(answer.body.value, expected === undefined ? doc : expected);
        const after = await send('GET', key);
        assert.deepEqual([after.body, after.etag], [answer.body, answer.etag]);
        if (expected === undefined) assert.equal(after.etag, etag, 'tests change nothing');
      });
    }

    test('all cases are known', () => {
      const ambiguous = cases.filter(isAmbiguous);
      assert.deepEqual([cases.length, ambiguous.length], name === 'tests.json' ? [78, 1] : [17, 1]);
    });
  });
}

describe('two members of one name', () => {
  for (const text of [
    '[{"op":"add","path":"/baz","value":"qux","op":"remove"}]',
    '[{"op":"add","path":"/baz","value":"qux","op":"move","from":"/foo"}]',
    '[{"op":"add","path":"/baz","path":"/bar","value":"qux"}]',
    '[{"op":"add","path":"/baz","value":"qux","value":"quux"}]',
  ]) {
    test(text, async () => {
      await put('ambiguous', { foo: 'bar' });
      await refused('ambiguous', text);
    });
  }
});
