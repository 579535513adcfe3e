// The community dialect through the real, unmodified client of the platform that it was first documented for.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { adminToken, base, freshName, newUser, tokenOf } from './service.mjs';

// The package's ES modules are not loadable by Node (they lie in .js files without "type": "module"), its CommonJS ones are.
const require = createRequire(import.meta.url);
const { AccountService, FeedObjectService, ModerationService, SSOService, UserService, formatHttpError, formatHttpErrorCode, http } =
  require('@selfcommunity/api-services');

http.setBasePortal(base);

/** Runs `work` with requests that carry `token`; none when it is null. */
async function as(token, work) {
  http.setAuthorizeToken(token);
  try {
    return await work();
  } finally {
    http.setAuthorizeToken(null);
  }
}

const asAdmin = (work) => as(adminToken, work);

/** What the client makes of the refusal that `work` must meet. */
async function refusal(work) {
  const error = await work().then(
    (answer) => assert.fail(`not refused: ${JSON.stringify(answer?.data ?? answer)}`),
    (error) => error,
  );
  assert.ok(error.response, `no answer: ${error}`);
  return { status: error.response.status, messages: formatHttpError(error), codes: formatHttpErrorCode(error), headers: error.response.headers };
}

/** Meets a refusal that concerns no field. */
async function refused(work, status, code, message) {
  const { headers, ...seen } = await refusal(work);
  assert.deepEqual(seen, { status, messages: { error: message }, codes: { error: code } });
  return headers;
}

const userNotFound = [404, 'not_found', 'User not found'];
const notFound = [404, 'not_found', 'Not found.'];
const forbidden = [403, 'permission_denied', 'You do not have permission to perform this action.'];
const unauthenticated = [401, 'not_authenticated', 'Authentication credentials were not provided.'];

const ids = (page) => page.results.map((entry) => entry.id);
const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

describe('users', () => {
  const username = freshName('ann');
  const extId = freshName('ext');
  let ann;
  let annsToken;

  before(async () => {
    ann = await asAdmin(() => SSOService.SignUp({ username, ext_id: extId, real_name: 'Ann Example', email: 'ann@example.org' }));
    annsToken = tokenOf(ann.id);
  });

  test('a sign-up answers with the new user', () => {
    assert.deepEqual(ann, { id: ann.id, ext_id: extId, username, role: null, tags: [], avatar: ann.avatar });
    assert.ok(Number.isSafeInteger(ann.id) && ann.id > 0);
  });

  test('a sign-up is for admins', async () => {
    await refused(() => as(null, () => SSOService.SignUp({ username: freshName('x') })), ...unauthenticated);
    await refused(() => as(annsToken, () => SSOService.SignUp({ username: freshName('x') })), ...forbidden);
  });

  test('a sign-up says which field it refuses', async () => {
    const taken = await asAdmin(() => refusal(() => SSOService.SignUp({ username })));
    assert.deepEqual([taken.status, taken.codes], [400, { usernameError: { error: 'unique' } }]);
    const extIdTaken = await asAdmin(() => refusal(() => SSOService.SignUp({ username: freshName('bob'), ext_id: extId })));
    assert.deepEqual([extIdTaken.status, extIdTaken.codes], [400, { extIdError: { error: 'unique' } }]);
    const nameless = await asAdmin(() => refusal(() => SSOService.SignUp({})));
    assert.deepEqual([nameless.status, nameless.codes], [400, { usernameError: { error: 'required' } }]);
    assert.deepEqual(nameless.messages, { usernameError: { error: 'This field is required.' } });
    const withPassword = await asAdmin(() => refusal(() => SSOService.SignUp({ username: freshName('bob'), password: 'Secret-123' })));
    assert.equal(withPassword.status, 400);
    assert.deepEqual(Object.keys(withPassword.codes), ['passwordError']);
  });

  test('the current user', async () => {
    const me = await as(annsToken, () => UserService.getCurrentUser());
    assert.deepEqual([me.id, me.username, me.ext_id, me.real_name, me.email, me.role], [ann.id, username, extId, 'Ann Example', 'ann@example.org', null]);
    assert.match(me.date_joined, timestamp);
    for (const field of ['email_isvalid', 'permission', 'unseen_interactions_counter', 'unseen_notification_banners_counter']) {
      assert.ok(field in me, `${field} is missing`);
    }
  });

  test('the current user is known by a token and nothing else', async () => {
    const headers = await refused(() => as(null, () => UserService.getCurrentUser()), ...unauthenticated);
    assert.equal(headers['www-authenticate'], 'Bearer realm="api"');
    await refused(() => as('not-a-token', () => UserService.getCurrentUser()), 401, 'token_not_valid', 'Given token not valid for any token type');
    await asAdmin(() => refused(() => UserService.getCurrentUser(), ...userNotFound));
  });

  test('anybody sees a user, and nobody sees private fields', async () => {
    const seen = await as(null, () => UserService.getSpecificUser(ann.id));
    assert.deepEqual([seen.id, seen.username, seen.deleted], [ann.id, username, false]);
    assert.ok(!('email' in seen));
    await as(null, () => refused(() => UserService.getSpecificUser(2 ** 40), ...userNotFound));
  });

  test('users are listed and searched', async () => {
    const found = await as(annsToken, () => UserService.getAllUsers({ search: username }));
    assert.deepEqual({ ...found, results: ids(found) }, { count: 1, next: null, previous: null, results: [ann.id] });
    await newUser('someone-else');
    const first = await as(annsToken, () => UserService.getAllUsers({ limit: 1 }));
    assert.equal(first.results.length, 1);
    assert.ok(first.count >= 2);
    assert.equal(first.previous, null);
    // The client feeds `next` back as it is.
    const second = await as(annsToken, () => http.get(first.next));
    assert.notDeepEqual(ids(second.data), ids(first));
    const again = await as(annsToken, () => http.get(second.data.previous));
    assert.deepEqual(again.data, first);
    await refused(() => as(null, () => UserService.getAllUsers()), ...unauthenticated);
  });

  test('a profile is patched and put by its user and by admins', async () => {
    const patched = await as(annsToken, () => UserService.userPatch(ann.id, { bio: 'reads' }));
    assert.deepEqual([patched.id, patched.bio, patched.real_name], [ann.id, 'reads', 'Ann Example']);
    const put = await asAdmin(() => UserService.userUpdate(ann.id, { real_name: 'Ann E.', location: 'Athens' }));
    assert.deepEqual([put.real_name, put.location], ['Ann E.', 'Athens']);
    // The platform's own tests send a patch without a body.
    const untouched = await as(annsToken, () => UserService.userPatch(ann.id));
    assert.deepEqual([untouched.real_name, untouched.location], ['Ann E.', 'Athens']);
    const tooLong = await as(annsToken, () => refusal(() => UserService.userPatch(ann.id, { real_name: 'x'.repeat(256) })));
    assert.deepEqual([tooLong.status, tooLong.codes], [400, { realNameError: { error: 'max_length' } }]);
    const other = await newUser('other');
    await as(other.token, () => refused(() => UserService.userPatch(ann.id, { bio: 'not mine' }), ...forbidden));
  });

  test('an account is found by one of its names', async () => {
    for (const query of [{ username }, { ext_id: extId, provider: 'sso' }, { email: 'ann@example.org' }]) {
      const found = await asAdmin(() => AccountService.search(query));
      assert.equal(found.status, 'a');
      if (!query.email) assert.equal(found.id, ann.id);
    }
    await asAdmin(() => refused(() => AccountService.search({ username: freshName('nobody') }), ...userNotFound));
    for (const query of [{}, { username, email: 'ann@example.org' }]) {
      const { status } = await asAdmin(() => refusal(() => AccountService.search(query)));
      assert.equal(status, 400, JSON.stringify(query));
    }
    await as(annsToken, () => refused(() => AccountService.search({ username }), ...forbidden));
  });
});

describe('preferences', () => {
  let ann;
  let bob;
  let list;

  before(async () => {
    ann = await newUser('ann');
    bob = await newUser('bob');
    list = `/api/v2/user/${ann.id}/preference/`;
    http.setAuthorizeToken(ann.token);
  });
  after(() => http.setAuthorizeToken(null));

  const remove = (url) => http.request({ url, method: 'DELETE' });

  test('create, list, get, put, patch and delete', async () => {
    const { status, data: created } = await http.post(list, { key: 'theme', value: { dark: true } });
    assert.equal(status, 201);
    assert.deepEqual(Object.keys(created), ['id', 'user_id', 'key', 'value', 'created_at', 'last_updated_at']);
    assert.deepEqual([created.user_id, created.key, created.value], [ann.id, 'theme', { dark: true }]);
    assert.match(created.created_at, timestamp);
    assert.equal(created.last_updated_at, created.created_at);

    const one = `${list}${created.id}/`;
    assert.deepEqual((await http.get(one)).data, created);
    assert.deepEqual((await http.get('/api/v2/user/me/preference/')).data, { count: 1, next: null, previous: null, results: [created] });
    assert.deepEqual((await http.get(`${list}?key=theme`)).data.results, [created]);
    assert.deepEqual((await http.get(`${list}?search=them`)).data.results, [], 'search is an exact match too');

    const { data: put } = await http.put(one, { key: 'colours', value: [1, 'two', null] });
    assert.deepEqual([put.id, put.key, put.value, put.created_at], [created.id, 'colours', [1, 'two', null], created.created_at]);
    assert.ok(put.last_updated_at > created.last_updated_at);

    const { status: patchStatus, data: patched } = await http.patch(one, { value: false });
    assert.equal(patchStatus, 200);
    assert.deepEqual([patched.key, patched.value], ['colours', false]);
    assert.equal((await http.patch(one, { key: 'hues' })).data.key, 'hues');

    const removed = await remove(one);
    assert.deepEqual([removed.status, removed.data], [204, '']);
    await refused(() => http.get(one), ...notFound);
    await refused(() => remove(one), ...notFound);
  });

  test('any JSON value comes back as it was', async () => {
    for (const value of [null, true, 0, -1.5, '', 'é😀', [], {}, { b: 1, a: [{}] }]) {
      const { data } = await http.post(list, { key: freshName('value'), value });
      assert.deepEqual(data.value, value);
      assert.deepEqual((await http.get(`${list}${data.id}/`)).data.value, value);
    }
  });

  test('every refusal is readable by the client', async () => {
    const { data: taken } = await http.post(list, { key: 'taken', value: 1 });
    const { data: mine } = await http.post(list, { key: 'mine', value: 1 });
    const one = `${list}${mine.id}/`;
    const required = { error: 'required' };
    const table = [
      [() => http.post(list, {}), { keyError: required, valueError: required }],
      [() => http.post(list, { key: 'x' }), { valueError: required }],
      [() => http.post(list, { value: 1 }), { keyError: required }],
      [() => http.post(list, { key: '', value: 1 }), { keyError: { error: 'blank' } }],
      [() => http.post(list, { key: 5, value: 1 }), { keyError: { error: 'invalid' } }],
      [() => http.post(list, { key: 'x'.repeat(256), value: 1 }), { keyError: { error: 'max_length' } }],
      [() => http.post(list, { key: 'taken', value: 2 }), { keyError: { error: 'unique' } }],
      [() => http.put(one, { key: 'mine' }), { valueError: required }],
      [() => http.put(one, { key: 'taken', value: 1 }), { keyError: { error: 'unique' } }],
      [() => http.patch(one, {}), { nonFieldErrorsError: required }],
      [() => http.patch(one, { key: 'taken' }), { keyError: { error: 'unique' } }],
    ];
    for (const [work, codes] of table) {
      const seen = await refusal(work);
      assert.deepEqual([seen.status, seen.codes], [400, codes], String(work));
      for (const field of Object.keys(codes)) assert.equal(typeof seen.messages[field].error, 'string');
    }
    // Without that, the client would make a JSON string of the text.
    const asItIs = { transformRequest: (text) => text, headers: { 'Content-Type': 'application/json' } };
    const broken = await refusal(() => http.request({ url: list, method: 'POST', data: '{"key":', ...asItIs }));
    assert.deepEqual([broken.status, broken.codes], [400, { error: 'parse_error' }]);
    assert.match(broken.messages.error, /^JSON parse error - /);
    assert.deepEqual((await http.get(`${list}?key=taken`)).data.results, [taken]);
    assert.deepEqual((await http.get(one)).data, mine);

    const headers = await refused(() => remove(list), 405, 'method_not_allowed', 'Method "DELETE" not allowed.');
    for (const method of ['GET', 'POST']) assert.ok(headers.allow.split(/, */).includes(method), headers.allow);
  });

  test('401 is for who is not known, 403 for who may not', async () => {
    const { data: mine } = await http.post(list, { key: freshName('private'), value: 1 });
    const one = `${list}${mine.id}/`;
    const requests = [() => http.get(list), () => http.post(list, { key: 'x', value: 1 }), () => http.get(one), () => http.patch(one, { value: 2 }), () => remove(one)];
    try {
      for (const request of requests) {
        http.setAuthorizeToken(null);
        await refused(request, ...unauthenticated);
        http.setAuthorizeToken(bob.token);
        await refused(request, ...forbidden);
      }
      await refused(() => http.get(`/api/v2/user/${2 ** 40}/preference/`), ...forbidden);
      await refused(() => http.get(`/api/v2/user/${bob.id}/preference/${mine.id}/`), ...notFound);
      http.setAuthorizeToken(adminToken);
      assert.deepEqual((await http.get(one)).data, mine);
      await refused(() => http.get(`/api/v2/user/${2 ** 40}/preference/`), ...userNotFound);
    } finally {
      http.setAuthorizeToken(ann.token);
    }
  });
});

describe('posts and votes', () => {
  for (const type of ['post', 'discussion', 'status']) {
    test(`a ${type} is published, voted on and removed`, async () => {
      const [ann, bob] = [await newUser('ann'), await newUser('bob')];
      const published = await as(ann.token, () => FeedObjectService.createFeedObject(type, { title: 'Hello', text: 'Hello, all' }));
      assert.deepEqual(
        [published.type, published.author, published.title, published.text, published.vote_count],
        [type, { id: ann.id, username: ann.username, deleted: false }, 'Hello', 'Hello, all', 0],
      );
      assert.match(published.added_at, timestamp);
      assert.deepEqual(await as(bob.token, () => FeedObjectService.getSpecificFeedObject(type, published.id)), published);
      assert.deepEqual(ids(await as(bob.token, () => FeedObjectService.getAllFeedObjects(type, { author: ann.id }))), [published.id]);

      assert.equal(await as(bob.token, () => FeedObjectService.voteFeedObject(type, published.id)), '');
      const votes = await as(ann.token, () => FeedObjectService.feedObjectVotes(type, published.id));
      assert.deepEqual([votes.count, votes.results[0].user.id], [1, bob.id]);
      assert.deepEqual(Object.keys(votes.results[0]), ['user', 'reaction', 'voted_at']);
      assert.equal((await as(ann.token, () => FeedObjectService.getSpecificFeedObject(type, published.id))).vote_count, 1);
      await as(bob.token, () => FeedObjectService.voteFeedObject(type, published.id));
      assert.equal((await as(ann.token, () => FeedObjectService.feedObjectVotes(type, published.id))).count, 0);

      await as(bob.token, () => refused(() => FeedObjectService.deleteFeedObject(type, published.id), ...forbidden));
      assert.equal(await as(ann.token, () => FeedObjectService.deleteFeedObject(type, published.id)), '');
      await as(ann.token, () => refused(() => FeedObjectService.getSpecificFeedObject(type, published.id), ...notFound));
    });
  }
});

describe('leaving', () => {
  /** A user with both names, a preference, a post with a foreign vote, and a vote on a post of `other`. */
  async function inhabitant(other) {
    const names = { username: freshName('leaver'), ext_id: freshName('ext') };
    const { id } = await asAdmin(() => SSOService.SignUp(names));
    const token = tokenOf(id);
    const preference = await as(token, () => http.post(`/api/v2/user/me/preference/`, { key: 'theme', value: 'dark' }));
    const post = await as(token, () => FeedObjectService.createFeedObject('post', { text: 'I was here' }));
    await as(other.token, () => FeedObjectService.voteFeedObject('post', post.id));
    const liked = await as(other.token, () => FeedObjectService.createFeedObject('status', { text: 'liked' }));
    await as(token, () => FeedObjectService.voteFeedObject('status', liked.id));
    return { id, names, token, preference: preference.data, post, liked };
  }

  const listed = (token, search) => as(token, () => UserService.getAllUsers({ search })).then(ids);
  const inState = (status, search) => asAdmin(() => ModerationService.getUsersForModeration({ status, search })).then(ids);

  /** The token of a deleted user opens nothing. */
  async function locksOut(token) {
    const { status, codes } = await as(token, () => refusal(() => UserService.getCurrentUser()));
    assert.equal(status, 401);
    assert.ok(['user_inactive', 'user_not_found', 'token_not_valid'].includes(codes.error), codes.error);
  }

  test('a soft delete hides the user and keeps the rest', async () => {
    const other = await newUser('other');
    const leaver = await inhabitant(other);
    assert.deepEqual(await listed(other.token, leaver.names.username), [leaver.id]);

    // As the platform's own "delete my account" does.
    assert.equal(await as(leaver.token, () => UserService.userDelete(leaver.id, 0)), '');

    await locksOut(leaver.token);
    assert.deepEqual(await listed(other.token, leaver.names.username), []);
    assert.deepEqual(await inState('d', leaver.names.username), [leaver.id]);
    const seen = await as(other.token, () => UserService.getSpecificUser(leaver.id));
    assert.equal(seen.deleted, true);
    assert.match(seen.deleted_at, timestamp);
    const post = await as(other.token, () => FeedObjectService.getSpecificFeedObject('post', leaver.post.id));
    assert.deepEqual([post.text, post.vote_count, post.author.deleted], ['I was here', 1, true]);
    assert.equal((await as(other.token, () => FeedObjectService.getSpecificFeedObject('status', leaver.liked.id))).vote_count, 1);
    assert.deepEqual((await asAdmin(() => http.get(`/api/v2/user/${leaver.id}/preference/`))).data.results, [leaver.preference]);
    assert.equal((await asAdmin(() => AccountService.search({ username: leaver.names.username }))).status, 'd');

    for (const [field, names] of [['usernameError', { username: leaver.names.username }], ['extIdError', { ...leaver.names, username: freshName('new') }]]) {
      const { status, codes } = await asAdmin(() => refusal(() => SSOService.SignUp(names)));
      assert.deepEqual([status, codes], [400, { [field]: { error: 'unique' } }]);
    }

    for (const token of [adminToken, leaver.token]) {
      await as(token, () => refused(() => UserService.userDelete(leaver.id), 400, 'invalid', 'The user has already been soft deleted'));
    }
    await as(other.token, () => refused(() => UserService.userDelete(leaver.id), ...forbidden));
  });

  for (const [from, prepare] of [
    ['an active', async () => {}],
    ['a soft deleted', (user) => asAdmin(() => UserService.userDelete(user.id))],
  ]) {
    for (const by of ['itself', 'an admin']) {
      test(`${by} erases ${from} user`, async () => {
        const other = await newUser('other');
        const leaver = await inhabitant(other);
        await prepare(leaver);

        assert.equal(await as(by === 'itself' ? leaver.token : adminToken, () => UserService.userDelete(leaver.id, 1)), '');

        await locksOut(leaver.token);
        await as(null, () => refused(() => UserService.getSpecificUser(leaver.id), ...userNotFound));
        await asAdmin(() => refused(() => http.get(`/api/v2/user/${leaver.id}/preference/`), ...userNotFound));
        await as(other.token, () => refused(() => FeedObjectService.getSpecificFeedObject('post', leaver.post.id), ...notFound));
        assert.equal((await as(other.token, () => FeedObjectService.getSpecificFeedObject('status', leaver.liked.id))).vote_count, 0);
        assert.equal((await as(other.token, () => FeedObjectService.feedObjectVotes('status', leaver.liked.id))).count, 0);
        assert.deepEqual(await listed(other.token, leaver.names.username), []);

        for (const hard of [0, 1]) {
          for (const token of [adminToken, leaver.token]) {
            await as(token, () => refused(() => UserService.userDelete(leaver.id, hard), ...userNotFound));
          }
        }

        const successor = await asAdmin(() => SSOService.SignUp(leaver.names));
        assert.deepEqual([successor.username, successor.ext_id], [leaver.names.username, leaver.names.ext_id]);
        assert.notEqual(successor.id, leaver.id, 'an id is never used again');
        await locksOut(leaver.token);
      });
    }
  }

  test('nobody deletes whom it may not, or who never was', async () => {
    const [ann, bob] = [await newUser('ann'), await newUser('bob')];
    for (const hard of [0, 1]) {
      await as(null, () => refused(() => UserService.userDelete(ann.id, hard), ...unauthenticated));
      await as(bob.token, () => refused(() => UserService.userDelete(ann.id, hard), ...forbidden));
      await as(bob.token, () => refused(() => UserService.userDelete(2 ** 40, hard), ...forbidden));
      await asAdmin(() => refused(() => UserService.userDelete(2 ** 40, hard), ...userNotFound));
    }
    assert.equal((await as(ann.token, () => UserService.getCurrentUser())).id, ann.id);
  });
});
