// A Lethe in memory that answers as the service is specified to, to be reached through `fetch`. Faults are chosen by each test.

const encoder = new TextEncoder();

/** What an attempt may meet on its way. Each gets `handle`, which lets the service act, and the signal of the attempt. */
export const faults = {
  refuse: async () => {
    throw new TypeError('connection refused');
  },
  loseAnswer: async (handle) => {
    await handle();
    throw new TypeError('connection reset');
  },
  cutAnswer: async (handle) => {
    const { status, headers } = await handle();
    const body = new ReadableStream({ pull: (controller) => controller.error(new TypeError('terminated')) });
    return new Response(body, { status, headers });
  },
  unavailable: async () => problem(503, 'unavailable', { retry_after: 0 }),
  unavailableAfterwards: async (handle) => {
    await handle();
    return problem(503, 'unavailable', { retry_after: 0 });
  },
  tooMany: async () => problem(429, 'too-many-followers', { retry_after: 0 }),
  badGateway: async () => new Response('<h1>Bad Gateway</h1>', { status: 502 }),
  hang: (handle, signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
};

function problem(status, slug, extensions = {}) {
  const body = { type: `/problems/${slug}`, title: slug, status, ...extensions };
  const headers = { 'Content-Type': 'application/problem+json' };
  if (extensions.retry_after !== undefined) headers['Retry-After'] = String(extensions.retry_after);
  return new Response(JSON.stringify(body), { status, headers });
}

/** A refusal that undoes what its request did. */
class Refusal extends Error {
  constructor(status, slug, extensions) {
    super(slug);
    Object.assign(this, { status, slug, extensions });
  }
}

const answer = (status, text, headers = {}) => new Response(text, { status, headers: { 'Content-Type': 'application/json', ...headers } });

/** The text of an object whose values are texts already: numbers keep every digit, as in the service. */
const object = (members) => `{${Object.entries(members).filter(([, text]) => text !== undefined).map(([name, text]) => `"${name}":${text}`).join(',')}}`;
const string = (value) => JSON.stringify(value);
const array = (texts) => `[${texts.join(',')}]`;

/** RFC 7396, on values. */
function merge(target, patch) {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch;
  const merged = new Map(target !== null && typeof target === 'object' && !Array.isArray(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, merge(merged.get(name), value));
  }
  return Object.fromEntries(merged);
}

export class FakeLethe {
  revision = 0;
  items = new Map();
  log = [];
  /** The oldest revision that the log can be read from. */
  oldest = 0;
  answers = new Map();
  requests = [];
  watchers = new Set();
  /** Chooses what an attempt meets: one of the faults, or nothing. */
  fault = () => undefined;
  /** Called before each request is handled. */
  before = () => {};
  /** What is refused as 422, by key. */
  refusedKeys = new Set();

  fetch = async (url, { method, headers, body, signal }) => {
    signal.throwIfAborted();
    const request = { method, url: new URL(url), headers, body, signal };
    this.requests.push({ method, path: request.url.pathname + request.url.search, headers, body });
    const fault = this.fault(request);
    const handle = async () => {
      await this.before(request);
      return this.handle(request);
    };
    const response = await (fault ? fault(handle, signal) : handle());
    signal.throwIfAborted();
    return response;
  };

  handle(request) {
    const [, v1, users, user, area, ...rest] = request.url.pathname.split('/');
    if (request.url.pathname === '/v1/limits') {
      return answer(200, '{"keys":1000,"bytes":1000000,"key_characters":255,"value_bytes":65536,"depth":32}');
    }
    if (v1 !== 'v1' || users !== 'users' || user !== 'me') return problem(404, 'not-found');
    const key = rest.length === 1 ? decodeURIComponent(rest[0]) : undefined;
    const route = `${request.method} ${area}${key === undefined ? '' : area === 'changes' ? '/watch' : '/KEY'}`;
    const { [route]: act } = this.routes;
    if (!act) return problem(404, 'not-found');
    const idempotencyKey = request.headers.get('idempotency-key');
    if (!idempotencyKey || request.method === 'GET' || request.method === 'PUT') return this.#undoing(() => act(request, key));
    return this.#once(`${request.method} ${request.url.pathname} ${idempotencyKey}`, request.body ?? '', () => this.#undoing(() => act(request, key)));
  }

  /** Does `act` or answers as the first time. Refusals had no effect, and are not remembered. */
  #once(scope, body, act) {
    const first = this.answers.get(scope);
    if (first && first.body !== body) return problem(422, 'idempotency-key-reused');
    if (first) return new Response(first.text, { status: first.status, headers: { 'Idempotency-Replayed': 'true' } });
    const response = act();
    if (response.ok) this.answers.set(scope, { body, status: response.status, text: response.text_ });
    return response.ok ? new Response(response.text_, { status: response.status }) : response;
  }

  #undoing(act) {
    const { revision, items, log } = this;
    this.items = new Map(items);
    this.log = [...log];
    try {
      const { status, text = null, headers } = act();
      for (const watcher of this.watchers) watcher();
      return Object.assign(new Response(text, { status, headers }), { text_: text });
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      Object.assign(this, { revision, items, log });
      return problem(refusal.status, refusal.slug, refusal.extensions);
    }
  }

  // --- The rules ------------------------------------------------------------------------------------------------------------------------

  #itemText(key) {
    const item = this.items.get(key);
    if (!item) return 'null';
    const { text, revision, created, updated } = item;
    return object({ key: string(key), value: text, revision, created_at: string(created), updated_at: string(updated) });
  }

  #changeText({ revision, key, op, text, at }) {
    return object({ revision, key: string(key), op: string(op), value: text, at: string(at), actor: 1 });
  }

  #check(key, ifMatch, ifNoneMatch) {
    if (key.trim() !== key || [...key].length > 255) throw new Refusal(422, 'unprocessable', {});
    if (this.refusedKeys.has(key)) throw new Refusal(422, 'quota-exceeded', {});
    const item = this.items.get(key);
    const holds = (!ifMatch || (item && (ifMatch === '*' || ifMatch === `"${item.revision}"`))) && !(ifNoneMatch && item);
    if (!holds) throw new Refusal(412, 'precondition-failed', { current: JSON.parse(this.#itemText(key)) });
  }

  #checkRevision(headers) {
    const condition = headers.get('if-match');
    if (condition && condition !== `"${this.revision}"`) throw new Refusal(412, 'precondition-failed', { current: { revision: this.revision } });
  }

  #need(key) {
    if (!this.items.has(key)) throw new Refusal(404, 'not-found', {});
  }

  put(key, text) {
    const old = this.items.get(key);
    if (old?.text === text) return old;
    if (text.length > 65536) throw new Refusal(422, 'unprocessable', {});
    this.revision += 1;
    const at = `2026-01-01T00:00:00.${String(this.revision).padStart(6, '0')}Z`;
    const item = { text, revision: this.revision, created: old?.created ?? at, updated: at };
    this.items.set(key, item);
    this.log.push({ revision: this.revision, key, op: 'put', text, at });
    return item;
  }

  remove(key) {
    this.revision += 1;
    this.items.delete(key);
    this.log.push({ revision: this.revision, key, op: 'delete', at: '2026-01-01T00:00:00.000000Z' });
  }

  /** A change by somebody else. */
  write(key, value) {
    if (value === undefined) this.remove(key);
    else this.put(key, JSON.stringify(value));
    for (const watcher of this.watchers) watcher();
  }

  /** Forgets the log up to the present. */
  trim() {
    this.oldest = this.revision;
    this.log = [];
  }

  /** What the service holds, as texts. */
  contents() {
    return Object.fromEntries([...this.items].sort().map(([key, { text }]) => [key, text]));
  }

  /** A copy to go back to, as from a backup. */
  backup() {
    const { revision, items, log, oldest } = this;
    return { revision, items: new Map(items), log: [...log], oldest };
  }

  restore(backup) {
    Object.assign(this, backup);
  }

  // --- The routes -----------------------------------------------------------------------------------------------------------------------

  routes = {
    'GET preferences': ({ url }) => {
      const { prefix = '', limit = 20, cursor = '' } = Object.fromEntries(url.searchParams);
      const keys = [...this.items.keys()].filter((key) => key.startsWith(prefix) && key > cursor).sort();
      const page = keys.slice(0, Number(limit));
      const next = keys.length > page.length ? string(page.at(-1)) : 'null';
      const items = array(page.map((key) => this.#itemText(key)));
      return { status: 200, text: object({ items, revision: this.revision, next }) };
    },
    'GET preferences/KEY': (_, key) => {
      this.#need(key);
      return { status: 200, text: this.#itemText(key) };
    },
    'PUT preferences/KEY': ({ headers, body }, key) => {
      this.#check(key, headers.get('if-match'), headers.get('if-none-match'));
      const status = this.items.has(key) ? 200 : 201;
      this.put(key, body);
      return { status, text: this.#itemText(key) };
    },
    'PATCH preferences/KEY': ({ headers, body }, key) => {
      this.#need(key);
      this.#check(key, headers.get('if-match'));
      const old = JSON.parse(this.items.get(key).text);
      if (headers.get('content-type') === 'application/merge-patch+json') {
        this.put(key, JSON.stringify(merge(old, JSON.parse(body))));
      } else {
        for (const { op, path, value } of JSON.parse(body)) {
          const name = path.slice(1);
          if (op === 'test' && JSON.stringify(old[name]) !== JSON.stringify(value)) throw new Refusal(409, 'patch-test-failed', {});
          if (op === 'add' || op === 'replace') old[name] = value;
          if (op === 'remove') delete old[name];
        }
        this.put(key, JSON.stringify(old));
      }
      return { status: 200, text: this.#itemText(key) };
    },
    'DELETE preferences/KEY': ({ headers }, key) => {
      this.#need(key);
      this.#check(key, headers.get('if-match'));
      this.remove(key);
      return { status: 204 };
    },
    'PATCH preferences': ({ headers, body }) => {
      this.#checkRevision(headers);
      const changed = [];
      const removed = [];
      for (const [key, value] of Object.entries(JSON.parse(body))) {
        const old = this.items.get(key);
        if (value === null) {
          if (old) removed.push(key);
          if (old) this.remove(key);
        } else {
          const { revision } = this;
          this.put(key, JSON.stringify(merge(old && JSON.parse(old.text), value)));
          if (this.revision > revision) changed.push(key);
        }
      }
      return { status: 200, text: JSON.stringify({ revision: this.revision, changed, removed }) };
    },
    'POST batch': ({ body }) => {
      const { atomic = true, operations } = JSON.parse(body);
      // Texts of values, which JSON.parse would round. Enough for the tests: they put a value last but one.
      const texts = [...body.matchAll(/"value":(.*?)(?:,"if_(?:none_)?match":(?:"\\"\d+\\""|"\*"))?\}(?=,\{"op":|\]\}$)/g)].map(([, text]) => text);
      const results = operations.map((operation, index) => {
        try {
          const { op, key, value } = operation;
          const text = op === 'delete' ? undefined : texts.shift();
          if (op === 'delete') this.#need(key);
          this.#check(key, operation.if_match, operation.if_none_match);
          if (op === 'delete') {
            this.remove(key);
            return { key, status: 204 };
          }
          const old = this.items.get(key);
          const item = this.put(key, op === 'merge' ? JSON.stringify(merge(old && JSON.parse(old.text), value)) : text);
          return { key, status: old ? 200 : 201, revision: item.revision };
        } catch (refusal) {
          if (!(refusal instanceof Refusal)) throw refusal;
          if (atomic) throw new Refusal(refusal.status, refusal.slug, { ...refusal.extensions, operation: index });
          return { key: operation.key, status: refusal.status, type: `/problems/${refusal.slug}` };
        }
      });
      return { status: 200, text: JSON.stringify({ revision: this.revision, results }) };
    },
    'GET changes': ({ url }) => {
      const { since = 0, limit = 100 } = Object.fromEntries(url.searchParams);
      if (Number(since) < this.oldest) throw new Refusal(410, 'cursor-expired', { resync: '/v1/users/1/preferences' });
      const rest = this.log.filter(({ revision }) => revision > Number(since));
      const changes = array(rest.slice(0, Number(limit)).map((change) => this.#changeText(change)));
      return { status: 200, text: object({ changes, revision: this.revision, more: rest.length > Number(limit) }) };
    },
    'GET changes/watch': ({ url, headers, signal }) => {
      const since = Number(headers.get('last-event-id') ?? url.searchParams.get('since') ?? this.revision);
      return { status: 200, text: this.#stream(since, signal), headers: { 'Content-Type': 'text/event-stream' } };
    },
    'GET history/KEY': (_, key) => {
      const items = array(this.log.filter((change) => change.key === key).reverse().map((change) => this.#changeText(change)));
      return { status: 200, text: object({ items, next: 'null' }) };
    },
    'POST revert': ({ headers, body }) => {
      this.#checkRevision(headers);
      const { to, key: only } = JSON.parse(body);
      if (to > this.revision) throw new Refusal(422, 'unprocessable', {});
      const then = new Map();
      for (const { revision, key, text } of this.log) if (revision <= to) then.set(key, text);
      const changed = [];
      const removed = [];
      for (const key of only === undefined ? new Set([...this.items.keys(), ...then.keys()]) : [only]) {
        const text = then.get(key);
        if (text === this.items.get(key)?.text) continue;
        if (text === undefined) this.remove(key);
        else this.put(key, text);
        (text === undefined ? removed : changed).push(key);
      }
      return { status: 200, text: JSON.stringify({ revision: this.revision, changed, removed }) };
    },
    'GET usage': () => {
      const bytes = [...this.items].reduce((sum, [key, { text }]) => sum + key.length + text.length, 0);
      return { status: 200, text: JSON.stringify({ keys: this.items.size, bytes }) };
    },
  };

  // --- Streams --------------------------------------------------------------------------------------------------------------------------

  /** How many characters of a stream are sent before it breaks; called for each stream. */
  breakAfter = () => Infinity;
  /** Sends text into every open stream. */
  tell(text) {
    for (const watcher of this.watchers) watcher(text);
  }
  /** Ends every open stream in order. */
  end(reason) {
    for (const watcher of [...this.watchers]) watcher(`event: end\ndata: {"reason":"${reason}"}\n\n`, true);
  }

  #stream(since, signal) {
    let watcher;
    let sent = 0;
    let left = this.breakAfter();
    return new ReadableStream({
      start: (controller) => {
        const send = (text) => {
          for (const piece of text.match(/[^]{1,7}/g) ?? []) {
            if (left <= 0) break;
            left -= piece.length;
            controller.enqueue(encoder.encode(piece));
          }
          if (left > 0) return;
          this.watchers.delete(watcher);
          // An error throws away what was not read yet.
          setTimeout(() => controller.error(new TypeError('terminated')));
        };
        sent = since;
        watcher = (text = '', close = false) => {
          if (sent < this.oldest || sent > this.revision) {
            sent = this.revision;
            send(`id: ${sent}\r\nevent: resync\r\ndata: {"revision":${sent}}\r\n\r\n`);
          }
          for (const change of this.log.filter(({ revision }) => revision > sent)) {
            sent = change.revision;
            if (left > 0) send(`id: ${change.revision}\nevent: ${change.op}\ndata: ${this.#changeText(change)}\n\n`);
          }
          if (text && left > 0) send(text);
          if (close && left > 0) {
            this.watchers.delete(watcher);
            controller.close();
          }
        };
        this.watchers.add(watcher);
        signal.addEventListener('abort', () => {
          this.watchers.delete(watcher);
          controller.error(signal.reason);
        });
        send(': watching\n\n');
        if (left > 0) watcher();
      },
    });
  }
}

/** Numbers from 0 to 1 that are the same for the same seed. */
export function dice(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What hurries the clients of the tests. */
export const hurry = { attempts: 8, baseDelay: 1, maxDelay: 4 };
