import type { CallOptions, Lethe } from './client.js';
import {
  advanced,
  decode,
  due,
  edited,
  emptyCopy,
  encode,
  held,
  heldRevision,
  isUnsent,
  operationOf,
  replaced,
  reset,
  seen,
  seenKeys,
  unsent,
  type Copy,
  type Edit,
} from './copy.js';
import { Deadline } from './deadline.js';
import { ContentionError, CursorExpiredError, isTransient, LetheError, NotFoundError, PreconditionFailedError } from './errors.js';
import { textOf } from './json.js';
import { Queue } from './queue.js';
import { backoff, delayAfter, sleep } from './retry.js';
import type { SnapshotStorage } from './storage.js';
import type { Change } from './types.js';

/** How many rounds in a row a sync may bring nothing forward before others are said to be always faster. */
const ATTEMPTS = 20;

/** What a reader sees under a key has changed. */
export interface CacheChange {
  key: string;
  /** Undefined when there is nothing any more. */
  value: unknown;
  /** `local` for an edit made here, `server` for everything that a sync or a watch brought. */
  origin: 'local' | 'server';
}

/** A key was edited here and changed on the service, maybe to the same value. Undefined is for nothing. */
export interface Conflict {
  key: string;
  /** What was seen when it was edited. */
  base: unknown;
  local: unknown;
  server: unknown;
}

/** What a key shall hold after a conflict; undefined deletes it. May be asked again when the service has changed once more. */
export type Resolver = (conflict: Conflict) => unknown;

/** An edit that the service refused for good, so that it was taken back. */
export interface RefusedEdit {
  key: string;
  /** Undefined for a deletion. */
  value: unknown;
  error: LetheError;
}

export interface OfflineCacheOptions {
  /** Settles conflicts. Without one, the edit made here wins. */
  resolve?: Resolver;
}

/**
 * An offline copy of a user's preferences, which can be read and edited without a network.
 *
 * Edits are seen at once, kept in an outbox with the copy, and sent by the next `sync`, each only if the key still holds what the copy
 * knows of. If it does not, the resolver decides; without one the edit made here wins for its key, since somebody made it deliberately
 * and just now looks at it, whereas "the server wins" would silently undo it. Each edit takes place once, also when the answer was lost
 * and the process ended in between: it is kept as sent before it is sent, with its Idempotency-Key, which the service remembers for 24
 * hours. After that time, what was sent and never answered may be taken for somebody else's edit of the same key.
 *
 * After a `sync`, during which nothing more was edited, the copy is what the service held at `revision`, text for text. Each step saves
 * once, and only then shows.
 *
 * One storage holds the copy of one user, and is used by one cache at a time.
 */
export class OfflineCache {
  readonly #changeListeners = new Set<(change: CacheChange) => void>();
  readonly #refusalListeners = new Set<(refused: RefusedEdit) => void>();
  /** Between reading the copy and replacing it, nobody else does. */
  readonly #steps = new Queue();
  /** What the service tells is taken in by one at a time, so that an older answer never follows a newer one. */
  readonly #exchanges = new Queue();
  #copy: Copy;

  private constructor(
    private readonly client: Lethe,
    private readonly storage: SnapshotStorage,
    private readonly options: OfflineCacheOptions,
    copy: Copy,
  ) {
    this.#copy = copy;
  }

  /** Opens the copy that `storage` holds, or an empty one. Throws when something else is there. */
  static async open(client: Lethe, storage: SnapshotStorage, options: OfflineCacheOptions = {}): Promise<OfflineCache> {
    const snapshot = await storage.load();
    return new OfflineCache(client, storage, options, snapshot == null ? emptyCopy : decode(snapshot));
  }

  /** The owner's revision that the copy has reached; undefined before the first sync. */
  get revision(): number | undefined {
    return this.#copy.revision;
  }

  /** How many edits the copy does not yet have back from the service. */
  get pending(): number {
    return this.#copy.outbox.length;
  }

  /** The value of `key`, edits included; undefined when it is absent. */
  get<T = unknown>(key: string): T | undefined {
    return this.#parse(seen(this.#copy, key)) as T | undefined;
  }

  has(key: string): boolean {
    return seen(this.#copy, key) !== null;
  }

  /** All keys with their values, edits included, in no particular order. */
  entries(): [key: string, value: unknown][] {
    return seenKeys(this.#copy).map((key) => [key, this.get(key)]);
  }

  /** Edits `key`. Resolves when the edit is saved here. */
  set(key: string, value: unknown): Promise<void> {
    const text = textOf(this.client.json, value);
    return this.#step((copy) => edited(copy, key, text, crypto.randomUUID()), 'local');
  }

  /** Deletes `key`, if it is there. Resolves when that is saved here. */
  delete(key: string): Promise<void> {
    return this.#step((copy) => edited(copy, key, null, crypto.randomUUID()), 'local');
  }

  /** Calls `listener`, which must not throw, for each key whose value has changed. Returns a function that ends it. */
  onChange(listener: (change: CacheChange) => void): () => void {
    this.#changeListeners.add(listener);
    return () => void this.#changeListeners.delete(listener);
  }

  /**
   * Calls `listener`, which must not throw, for each edit that the service refuses for good (400, 403, 413, 422), such as one beyond the
   * quota. Such an edit leaves the outbox, and the key shows what the service holds. Returns a function that ends it.
   */
  onRefused(listener: (refused: RefusedEdit) => void): () => void {
    this.#refusalListeners.add(listener);
    return () => void this.#refusalListeners.delete(listener);
  }

  /**
   * Takes in what has changed on the service, sends the edits, and takes in what became of them. Where the log of changes does not reach
   * back, or the service has gone back to an older revision, the whole set is read instead.
   *
   * Rejects like the methods of `Lethe`; the copy and the edits are kept, and the next sync goes on from there. Throws a ContentionError
   * when others always write first.
   */
  sync({ signal }: CallOptions = {}): Promise<void> {
    return this.#exchanges.run(() => this.#sync(signal));
  }

  /**
   * Syncs, then follows the changes as they happen, and sends each edit as it is made. Waits for a service that cannot be reached.
   *
   * Never resolves. Rejects with the signal's reason when it is aborted, with a WatchEndedError when the token is no longer valid or the
   * account is deleted, and with what else a sync or a watch rejects with that waiting does not help.
   */
  async follow({ signal }: CallOptions = {}): Promise<never> {
    const end = new Deadline(signal);
    const loops: Promise<never>[] = [];
    try {
      await this.#persist(() => this.sync({ signal: end.signal }), end.signal);
      loops.push(this.#followChanges(end.signal), this.#sendEdits(end.signal));
      return await Promise.race(loops);
    } finally {
      end.close();
      await Promise.allSettled(loops);
    }
  }

  async #followChanges(signal: AbortSignal): Promise<never> {
    for await (const event of this.client.watch({ since: this.#copy.revision as number, signal })) {
      if (event.type === 'resync') await this.#persist(() => this.#exchanges.run(() => this.#readAll(signal)), signal);
      else await this.#persist(() => this.#exchanges.run(() => this.#take(event, signal)), signal);
    }
    throw new Error('a watch does not end by itself');
  }

  /** Takes a change that a watch has told of. */
  #take(change: Change, signal: AbortSignal): Promise<void> {
    // A sync meanwhile has found that the service went back, and the watch has not heard of that yet.
    if (change.revision > (this.#copy.revision ?? 0) + 1) return this.#pull(signal);
    return this.#step((copy) => advanced(copy, [change]), 'server');
  }

  async #sendEdits(signal: AbortSignal): Promise<never> {
    for (;;) {
      await this.#untilEdited(signal);
      await this.#persist(() => this.sync({ signal }), signal);
    }
  }

  async #untilEdited(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.pending > 0) return;
    let stop = () => {};
    await new Promise<void>((resolve, reject) => {
      const abort = () => reject(signal.reason);
      const unlisten = this.onChange(({ origin }) => origin === 'local' && resolve());
      signal.addEventListener('abort', abort);
      stop = () => {
        unlisten();
        signal.removeEventListener('abort', abort);
      };
    }).finally(() => stop());
  }

  /** Does `work` until it is done, as long as waiting may help. */
  async #persist(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    for (let failures = 1; ; failures += 1) {
      try {
        return await work();
      } catch (error) {
        if (!isTransient(error) && !(error instanceof ContentionError)) throw error;
        await sleep(delayAfter(error, failures, this.client.retry), signal);
      }
    }
  }

  async #sync(signal: AbortSignal | undefined): Promise<void> {
    for (let failures = 0; ; ) {
      await this.#pull(signal);
      if (this.pending === 0) return;
      failures = (await this.#push(signal)) ? 0 : failures + 1;
      if (failures >= ATTEMPTS) throw new ContentionError(`edits met changes by others ${failures} times in a row`);
      if (failures > 0) await sleep(backoff(failures, this.client.retry), signal);
    }
  }

  async #pull(signal: AbortSignal | undefined): Promise<void> {
    for (let more = true; more; ) {
      const { revision } = this.#copy;
      if (revision === undefined) return this.#readAll(signal);
      const page = await this.client.changes({ since: revision, signal }).catch((error: unknown) => {
        if (!(error instanceof CursorExpiredError)) throw error;
      });
      if (!page || page.revision < revision) return this.#readAll(signal);
      await this.#step((copy) => advanced(copy, page.changes), 'server');
      more = page.more;
    }
  }

  async #readAll(signal: AbortSignal | undefined): Promise<void> {
    const snapshot = await this.client.snapshot({ signal });
    await this.#step((copy) => reset(copy, snapshot), 'server');
  }

  /** Sends the next edit of each key. Whether anything was brought forward. */
  async #push(signal: AbortSignal | undefined): Promise<boolean> {
    let progress = false;
    for (const edit of due(this.#copy)) {
      const sendable = isUnsent(edit) ? await this.#prepare(edit) : edit;
      if (!sendable || (await this.#send(sendable, signal))) progress = true;
    }
    return progress;
  }

  /** Keeps, before it is sent, what is sent and for which revision it holds. Undefined when nothing is to be sent, or another edit. */
  async #prepare(edit: Edit): Promise<Edit | undefined> {
    const text = await this.#resolved(edit);
    await this.#step((copy) => {
      const base = held(copy, edit.key);
      return replaced(copy, edit, text === base ? undefined : { ...edit, text, base, expected: heldRevision(copy, edit.key) });
    }, 'server');
    return this.#copy.outbox.find(({ id }) => id === edit.id);
  }

  /** The text that an edit shall write, when the copy is up to date. */
  async #resolved({ key, text, base }: Edit): Promise<string | null> {
    const server = held(this.#copy, key);
    const { resolve } = this.options;
    if (!resolve || server === base) return text;
    const { json } = this.client;
    const value = await resolve({ key, base: this.#parse(base), local: this.#parse(text), server: this.#parse(server) });
    if (value === undefined) return null;
    const resolved = textOf(json, value);
    // A value that was taken from the service and given back is its text, also where a JavaScript number says less than that.
    return server !== null && resolved === textOf(json, this.#parse(server)) ? server : resolved;
  }

  /** Sends an edit that was prepared, maybe not for the first time. Whether it is done with. */
  async #send(edit: Edit, signal: AbortSignal | undefined): Promise<boolean> {
    try {
      const { revision } = await this.client.batch([operationOf(edit, this.client.json)], { idempotencyKey: edit.id, signal });
      await this.#step((copy) => replaced(copy, edit, { ...edit, settled: revision }), 'server');
      return true;
    } catch (error) {
      if (error instanceof PreconditionFailedError || error instanceof NotFoundError) {
        await this.#step((copy) => replaced(copy, edit, unsent(edit)), 'server');
        return false;
      }
      if (!isRefusal(error)) throw error;
      await this.#step((copy) => replaced(copy, edit, undefined), 'server');
      for (const listener of this.#refusalListeners) listener({ key: edit.key, value: this.#parse(edit.text), error });
      return true;
    }
  }

  /** Replaces the copy by what `change` makes of it: saves it once, then shows it. */
  #step(change: (copy: Copy) => Copy, origin: CacheChange['origin']): Promise<void> {
    return this.#steps.run(async () => {
      const before = this.#copy;
      const after = change(before);
      if (after === before) return;
      await this.storage.save(encode(after));
      this.#copy = after;
      this.#tell(before, origin);
    });
  }

  #tell(before: Copy, origin: CacheChange['origin']): void {
    for (const key of new Set([...seenKeys(before), ...seenKeys(this.#copy)])) {
      if (seen(before, key) === seen(this.#copy, key)) continue;
      for (const listener of this.#changeListeners) listener({ key, value: this.get(key), origin });
    }
  }

  #parse(text: string | null): unknown {
    return text === null ? undefined : this.client.json.parse(text);
  }
}

/** Whether the service will not take this edit later either. */
function isRefusal(error: unknown): error is LetheError {
  return error instanceof LetheError && [400, 403, 413, 422].includes(error.status);
}
