// The example of the README does what its comments say.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import * as library from '../../dist/index.js';
import { FakeLethe } from '../fake.mjs';

test('the example', async (t) => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const [, example] = /```js\n([^]*?)```/.exec(readme);
  const printed = [];
  t.mock.method(globalThis, 'fetch', new FakeLethe().fetch);
  t.mock.method(console, 'log', (...values) => printed.push(values));
  const AsyncFunction = (async () => {}).constructor;
  await new AsyncFunction('library', example.replace(/import (\{.*\}) from .*/, 'const $1 = library;'))(library);
  assert.deepEqual(printed, [[{ dark: true }], [{ dark: false }, 1]]);
});
