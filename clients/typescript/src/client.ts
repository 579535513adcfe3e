import { ContentionError, NotFoundError, type LetheError } from './errors.js';
import { nativeJson, textOf, type JsonCodec } from './json.js';
import { encodeSegment, queryOf } from './path.js';
import { backoff, defaultRetry, sleep, type RetryOptions, type RetryPolicy } from './retry.js';
import { Transport, type Answer, type RepeatableRequest } from './transport.js';
import type {
  BatchResult,
  Change,
  ChangePage,
  Item,
  ItemPage,
  Limits,
  Operation,
  Page,
  PatchOperation,
  SetChange,
  Snapshot,
  Usage,
  WatchEvent,
  Written,
} from './types.js';
import { update, type Updated } from './update.js';
import { watch } from './watch.js';
import {
  decodeBatchResult,
  decodeChangePage,
  decodeHistoryPage,
  decodeItem,
  decodeItemPage,
  decodeLimits,
  decodeSetChange,
  decodeUsage,
  encodeBatch,
  encodeJsonPatch,
  encodeSetPatch,
  entityTag,
} from './wire.js';

/** The most items of one page. */
const PAGE = 100;
/** How often a snapshot is begun before others are said to write all the time. */
const SNAPSHOT_ATTEMPTS = 20;

export interface LetheOptions {
  /** Where the service is, such as `https://preferences.example`. May have a path. */
  baseUrl: string;
  /** The bearer token, or a function that is asked for it before each attempt. What the function throws is passed on. */
  token: string | (() => string | Promise<string>);
  /** Whose preferences: an id, or `me`, the token's own user, which is the default. */
  user?: string | number;
  /** Used instead of the global `fetch`. */
  fetch?: typeof fetch;
  retry?: RetryOptions;
  /** Milliseconds for one attempt of a request. 30 000 unless set. */
  timeout?: number;
  /** Milliseconds of silence after which a watch takes its connection for dead. 45 000 unless set: three heartbeats of the service. */
  silence?: number;
  /** How values are parsed and written, for those who need numbers that are not doubles. */
  json?: JsonCodec;
}

export interface CallOptions {
  /** Gives the call up. It then rejects with the signal's reason; a write may have taken place. */
  signal?: AbortSignal | undefined;
}

export interface WriteOptions extends CallOptions {
  /**
   * 1 to 255 visible ASCII characters, by which the service knows this write again for 24 hours. One is made up unless given. Give one to
   * repeat a write whose outcome is unknown in a later call: same key and same write, and it takes place once at most.
   */
  idempotencyKey?: string;
}

export interface ConditionalOptions extends WriteOptions {
  /** Only if the key holds the value of this revision; `*`: only if it holds one. */
  ifMatch?: number | '*';
}

export interface SetOptions extends ConditionalOptions {
  /** Only if the key holds nothing. */
  ifNoneMatch?: '*';
}

export interface SetWideOptions extends WriteOptions {
  /** Only if the owner's revision is still this one. */
  ifMatch?: number;
}

export interface PageOptions extends CallOptions {
  /** The most items of a page, 1 to 100. */
  limit?: number;
  /** The `next` of the page before. */
  cursor?: string;
}

export interface ListOptions extends PageOptions {
  /** Only keys that begin so. */
  prefix?: string;
  /** The set as it stood at this revision. */
  at?: number;
}

/**
 * The preferences of one user.
 *
 * Every method rejects with a LetheError for an answer other than 2xx, with a ConnectionError when no attempt got an answer, and with the
 * signal's reason when it is aborted. Attempts that failed on the network, in time or with 408, 429, 502, 503 or 504 are repeated, after a
 * growing, jittered delay and no sooner than the service asks for, though it is not waited for longer than a minute.
 *
 * A repeated write takes place once: POST, PATCH and DELETE carry an Idempotency-Key. The one exception is a plain `set`; see there.
 */
export class Lethe {
  /** How values are parsed and written. */
  readonly json: JsonCodec;
  readonly retry: RetryPolicy;
  readonly #transport: Transport;
  readonly #user: string;
  readonly #silence: number;

  constructor({ baseUrl, token, user = 'me', fetch, retry, timeout = 30_000, silence = 45_000, json = nativeJson }: LetheOptions) {
    this.json = json;
    this.retry = { ...defaultRetry, ...retry };
    this.#silence = silence;
    this.#user = `/v1/users/${encodeSegment(String(user))}`;
    // A browser's fetch must be called as a function of the window.
    const fetchOrGlobal: typeof fetch = fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.#transport = new Transport({ baseUrl, token, fetch: fetchOrGlobal, retry: this.retry, timeout, json });
  }

  /** Throws a NotFoundError when the key is absent. */
  async get<T = unknown>(key: string, { signal }: CallOptions = {}): Promise<Item<T>> {
    const { text } = await this.#transport.send({ method: 'GET', path: this.#key(key), signal });
    return decodeItem(text, this.json);
  }

  /** One page of the preferences, ordered by key. */
  async list<T = unknown>({ prefix, limit, cursor, at, signal }: ListOptions = {}): Promise<ItemPage<T>> {
    return decodeItemPage(await this.#read('/preferences' + queryOf({ prefix, limit, cursor, at }), signal), this.json);
  }

  /** All pages from `cursor` on. What changes meanwhile may or may not be in the later ones; `snapshot` gives one state of the whole. */
  async *pages<T = unknown>(options: ListOptions = {}): AsyncGenerator<ItemPage<T>, void, undefined> {
    let page = await this.list<T>(options);
    yield page;
    while (page.next !== null) {
      page = await this.list<T>({ ...options, cursor: page.next });
      yield page;
    }
  }

  /**
   * The whole set as it stood at one revision. When the revision changes between two pages, it is read again from the start; throws a
   * ContentionError when that happens every time.
   */
  async snapshot({ signal }: CallOptions = {}): Promise<Snapshot> {
    for (let attempts = 1; attempts <= SNAPSHOT_ATTEMPTS; attempts += 1) {
      const snapshot = await this.#snapshotUnlessChanged(signal);
      if (snapshot) return snapshot;
      await sleep(backoff(attempts, this.retry), signal);
    }
    throw new ContentionError('the set changes faster than it can be read');
  }

  async #snapshotUnlessChanged(signal: AbortSignal | undefined): Promise<Snapshot | undefined> {
    let revision: number | undefined;
    const items: Item[] = [];
    for await (const page of this.pages({ limit: PAGE, signal })) {
      revision ??= page.revision;
      if (page.revision !== revision) return undefined;
      items.push(...page.items);
    }
    return { revision: revision as number, items };
  }

  /**
   * Stores `value` under `key`.
   *
   * Without options it is a PUT, and the last write wins. An attempt whose answer was lost is repeated, so that a value that somebody else
   * wrote in between may be overwritten once more.
   *
   * With a condition or an `idempotencyKey` it takes place once at most, however often it is sent. A PUT could not promise that: sent
   * again after a lost answer it would meet 412 because of itself, and comparing the value that is there with its own would take the
   * equal value of another client for its own success, which loses one of two equal increments. PUT takes no Idempotency-Key, so the write
   * goes out as a batch of one, which does: the service answers a repeated one with the first answer. A PreconditionFailedError therefore
   * always means that this write did not take place; its `current` is what the key holds instead.
   */
  async set(key: string, value: unknown, { ifMatch, ifNoneMatch, idempotencyKey, signal }: SetOptions = {}): Promise<Written> {
    const path = this.#key(key);
    if (ifMatch === undefined && ifNoneMatch === undefined && idempotencyKey === undefined) {
      const answer = await this.#transport.send({ method: 'PUT', path, signal, ...jsonBody(textOf(this.json, value)) });
      return { revision: decodeItem(answer.text, this.json).revision, created: answer.status === 201 };
    }
    const operation: Operation = { op: 'put', key, value, ...(ifMatch !== undefined && { ifMatch }), ...(ifNoneMatch && { ifNoneMatch }) };
    const { revision, results } = await this.batch([operation], { ...(idempotencyKey !== undefined && { idempotencyKey }), signal });
    return { revision: results[0]?.revision ?? revision, created: results[0]?.status === 201 };
  }

  /** Applies a merge patch (RFC 7396) to the value of `key`. Throws a NotFoundError when the key is absent. */
  async patch<T = unknown>(key: string, patch: unknown, options: ConditionalOptions = {}): Promise<Item<T>> {
    return this.#patch(key, 'application/merge-patch+json', textOf(this.json, patch), options);
  }

  /** Applies a JSON patch (RFC 6902) to the value of `key`: all of it, or nothing, with 409 `patch-test-failed` or 422 `patch-failed`. */
  async jsonPatch<T = unknown>(key: string, operations: readonly PatchOperation[], options: ConditionalOptions = {}): Promise<Item<T>> {
    return this.#patch(key, 'application/json-patch+json', encodeJsonPatch(operations, this.json), options);
  }

  async #patch<T>(key: string, type: string, body: string, options: ConditionalOptions): Promise<Item<T>> {
    const { text } = await this.#write('PATCH', this.#key(key), options, { headers: { 'Content-Type': type }, body });
    return decodeItem(text, this.json);
  }

  /** Removes `key`. Throws a NotFoundError when it is absent. */
  async delete(key: string, options: ConditionalOptions = {}): Promise<void> {
    await this.#write('DELETE', this.#key(key), options);
  }

  /**
   * Applies a merge patch (RFC 7396) to the whole set, whose members are the keys: values merge, `null` removes. All of it, or nothing.
   */
  async patchAll(patch: Readonly<Record<string, unknown>>, options: SetWideOptions = {}): Promise<SetChange> {
    const headers = { 'Content-Type': 'application/merge-patch+json' };
    const { text } = await this.#write('PATCH', `${this.#user}/preferences`, options, { headers, body: encodeSetPatch(patch, this.json) });
    return decodeSetChange(text);
  }

  /**
   * Carries out up to 100 operations. Atomic unless told otherwise: the first refusal undoes all and is thrown, with the operation's index
   * as `problem.operation`. Otherwise each result has its own status.
   */
  async batch(operations: readonly Operation[], { atomic, ...options }: WriteOptions & { atomic?: boolean } = {}): Promise<BatchResult> {
    const body = jsonBody(encodeBatch(operations, atomic, this.json));
    const { text } = await this.#write('POST', `${this.#user}/batch`, options, body);
    return decodeBatchResult(text);
  }

  /** Changes after the revision `since` (from the first on, unless given), oldest first. Throws a CursorExpiredError when they are gone. */
  async changes({ since, limit, signal }: CallOptions & { since?: number; limit?: number } = {}): Promise<ChangePage> {
    return decodeChangePage(await this.#read('/changes' + queryOf({ since, limit }), signal), this.json);
  }

  /** One page of the changes of `key`, newest first. */
  async history(key: string, { limit, cursor, signal }: PageOptions = {}): Promise<Page<Change>> {
    return decodeHistoryPage(await this.#read(`/history/${encodeSegment(key)}${queryOf({ limit, cursor })}`, signal), this.json);
  }

  /** Restores the whole set, or one key, as it stood at the revision `to`, by new changes. */
  async revert({ to, key }: { to: number; key?: string }, options: SetWideOptions = {}): Promise<SetChange> {
    const { text } = await this.#write('POST', `${this.#user}/revert`, options, jsonBody(JSON.stringify({ to, key })));
    return decodeSetChange(text);
  }

  async usage({ signal }: CallOptions = {}): Promise<Usage> {
    return decodeUsage(await this.#read('/usage', signal));
  }

  async limits({ signal }: CallOptions = {}): Promise<Limits> {
    const { text } = await this.#transport.send({ method: 'GET', path: '/v1/limits', signal });
    return decodeLimits(text);
  }

  /**
   * Reads `key`, applies a function to its value (undefined when absent), and writes what the function returns, if nobody else wrote in
   * the meantime; otherwise the function is applied again, to what the others wrote. Returning undefined deletes the key. Returning an
   * equal value writes nothing. Throws a ContentionError when others are faster 20 times in a row.
   *
   * The function may run several times, so it should do nothing else. Of its results exactly one is written, once: each write holds only
   * for the revision that was read, and an attempt whose answer was lost is repeated under its Idempotency-Key, so that the service gives
   * the first answer again. No increment is lost or doubled by the network. When the answers stay away until a ConnectionError is thrown,
   * the last result was written once or not at all, and which of the two is unknown.
   */
  async update<T = unknown>(
    key: string,
    apply: (current: T | undefined) => T | undefined | Promise<T | undefined>,
    { signal }: CallOptions = {},
  ): Promise<Updated<T>> {
    const access = {
      read: () => this.get<T>(key, { signal }).catch(absent),
      create: async (value: T) => (await this.set(key, value, { ifNoneMatch: '*', signal })).revision,
      replace: async (value: T, revision: number) => (await this.set(key, value, { ifMatch: revision, signal })).revision,
      remove: (revision: number) => this.delete(key, { ifMatch: revision, signal }),
    };
    return update(access, apply, this.json, this.retry, signal);
  }

  /**
   * Changes after the revision `since` (from now on, unless given) as they happen, each once and in order, over as many connections as it
   * takes: a connection that breaks, is silent for longer than heartbeats allow or ends with the service's process is replaced.
   *
   * Goes on until the caller leaves the loop or aborts the signal, whose reason is then thrown. Throws a WatchEndedError when the token
   * expires or is revoked (`token`) or the account is deleted (`deleted`), and a LetheError when a new connection is refused.
   */
  async *watch({ since, signal }: CallOptions & { since?: number } = {}): AsyncGenerator<WatchEvent, void, undefined> {
    // From "now" a second connection would begin later than the first, so the present revision is fixed here.
    const known = since ?? (await this.list({ limit: 1, signal })).revision;
    const { json, retry } = this;
    const path = `${this.#user}/changes/watch`;
    yield* watch({ transport: this.#transport, json, retry, path, silence: this.#silence, since: known, signal });
  }

  #key(key: string): string {
    return `${this.#user}/preferences/${encodeSegment(key)}`;
  }

  async #read(path: string, signal: AbortSignal | undefined): Promise<string> {
    return (await this.#transport.send({ method: 'GET', path: this.#user + path, signal })).text;
  }

  /** Sends a write that takes place once, however often it must be sent. */
  #write(
    method: 'POST' | 'PATCH' | 'DELETE',
    path: string,
    { ifMatch, idempotencyKey = crypto.randomUUID(), signal }: ConditionalOptions,
    body: Pick<RepeatableRequest, 'headers' | 'body'> = {},
  ): Promise<Answer> {
    const condition: Record<string, string> = ifMatch === undefined ? {} : { 'If-Match': entityTag(ifMatch) };
    const headers = { 'Idempotency-Key': idempotencyKey, ...condition, ...body.headers };
    return this.#transport.send({ method, path, headers, body: body.body, signal });
  }
}

function jsonBody(body: string): { headers: Record<string, string>; body: string } {
  return { headers: { 'Content-Type': 'application/json' }, body };
}

function absent(error: LetheError): undefined {
  if (!(error instanceof NotFoundError)) throw error;
}
