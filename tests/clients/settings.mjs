// The settings dialect, asked in the way of its public TypeScript client: plain fetch, a content type only with a body, no choice of
// what is accepted, and an error's body read only when it says that it is JSON.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { adminToken, base, newUser } from './service.mjs';

class HttpError extends Error {
  constructor(status, data) {
    super(`HTTP ${status}`);
    Object.assign(this, { status, data });
  }
}

class ApiClient {
  #token;

  constructor(token) {
    this.#token = token;
  }

  getUserSettings = () => this.#request('GET');
  updateUserSettings = (settings) => this.#request('POST', { settings });
  partialUpdateUserSettings = (changes) => this.#request('PUT', changes);
  deleteUserSettingsKeys = (body) => this.#request('DELETE', body);

  async #request(method, body) {
    const headers = {};
    if (this.#token) headers.Authorization = `Bearer ${this.#token}`;
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    const response = await fetch(`${base}/settings/user`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    if (!response.ok) {
      const isJson = response.headers.get('content-type')?.includes('application/json');
      throw new HttpError(response.status, isJson ? await response.json() : null);
    }
    const text = await response.text();
    return text ? JSON.parse(text) : null;
  }
}

const success = (message) => ({ success: true, message });
const settings = (document) => ({ success: true, settings: document });

/** Meets a refusal; the documented envelope may carry details beside the message. */
async function refused(work, status, message) {
  await assert.rejects(work, ({ status: seen, data: { error: details, ...envelope } }) => {
    assert.deepEqual([seen, envelope], [status, { success: false, message }]);
    assert.ok(details === undefined || typeof details === 'string');
    return true;
  });
}

describe('user settings', () => {
  let user;
  let client;

  before(async () => {
    user = await newUser('settler');
    client = new ApiClient(user.token);
  });

  test('none yet', async () => {
    assert.deepEqual(await client.getUserSettings(), settings({}));
    assert.deepEqual(await client.deleteUserSettingsKeys({ keys: ['theme'] }), success('User settings keys deleted successfully'));
  });

  test('replace, merge, delete', async () => {
    const document = { theme: 'dark', notifications: { email: true, push: false }, 'dotted.name': 1 };
    assert.deepEqual(await client.updateUserSettings({ gone: 'after the next' }), success('User settings updated successfully'));
    assert.deepEqual(await client.updateUserSettings(document), success('User settings updated successfully'));
    assert.deepEqual(await client.getUserSettings(), settings(document));

    const changes = { theme: 'light', notifications: { email: false }, language: null };
    assert.deepEqual(await client.partialUpdateUserSettings(changes), success('User settings partially updated successfully'));
    assert.deepEqual(await client.getUserSettings(), settings({ 'dotted.name': 1, language: null, notifications: { email: false, push: false }, theme: 'light' }));

    const keys = ['theme', 'notifications.push', 'dotted.name', 'never.was'];
    assert.deepEqual(await client.deleteUserSettingsKeys({ keys }), success('User settings keys deleted successfully'));
    assert.deepEqual(await client.getUserSettings(), settings({ language: null, notifications: { email: false } }));
    assert.deepEqual(await client.deleteUserSettingsKeys({ keys: ['notifications.email'] }), success('User settings keys deleted successfully'));
    assert.deepEqual(await client.getUserSettings(), settings({ language: null, notifications: {} }), 'a parent stays');
  });

  test('the members are the preferences of the other dialect', async () => {
    await client.updateUserSettings({ theme: { dark: true } });
    const response = await fetch(`${base}/api/v2/user/me/preference/`, { headers: { Authorization: `Bearer ${user.token}` } });
    const { results } = await response.json();
    assert.deepEqual(results.map(({ key, value }) => [key, value]), [['theme', { dark: true }]]);
  });

  test('bad requests change nothing', async () => {
    await client.updateUserSettings({ kept: true });
    const keysNeeded = 'Keys array is required and must not be empty';
    for (const body of [undefined, {}, [], { keys: [] }, { keys: 'theme' }, { keys: [1] }, { keys: null }]) {
      await refused(() => client.deleteUserSettingsKeys(body), 400, keysNeeded);
    }
    await assert.rejects(
      () => client.deleteUserSettingsKeys({ keys: Array.from({ length: 5_000 }, (_, i) => `kept${i}`) }),
      (error) => error.status === 400 && error.data.success === false,
    );
    for (const document of [undefined, null, [], 'text']) await refused(() => client.updateUserSettings(document), 400, 'Failed to update user settings');
    for (const changes of [undefined, null, [], 'text']) await refused(() => client.partialUpdateUserSettings(changes), 400, 'Failed to partially update user settings');
    assert.deepEqual(await client.getUserSettings(), settings({ kept: true }));
  });

  test('one user never sees another', async () => {
    const other = new ApiClient((await newUser('settler')).token);
    await client.updateUserSettings({ mine: 1 });
    assert.deepEqual(await other.getUserSettings(), settings({}));
    await other.updateUserSettings({});
    assert.deepEqual(await client.getUserSettings(), settings({ mine: 1 }));
  });

  test('who is not known', async () => {
    for (const nobody of [new ApiClient(), new ApiClient('not-a-token')]) {
      for (const work of [nobody.getUserSettings, () => nobody.updateUserSettings({}), () => nobody.partialUpdateUserSettings({}), () => nobody.deleteUserSettingsKeys({ keys: ['a'] })]) {
        await refused(work, 401, 'Unauthorized');
      }
    }
    await refused(new ApiClient(adminToken).getUserSettings, 404, 'User not found');
  });
});
