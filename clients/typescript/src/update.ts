import { ContentionError, NotFoundError, PreconditionFailedError } from './errors.js';
import { textOf, type JsonCodec } from './json.js';
import { backoff, sleep, type RetryPolicy } from './retry.js';
import type { Item } from './types.js';

/** How often an update is applied before others are said to be always faster. */
const ATTEMPTS = 20;

/** What a key holds after an update; no revision when it is absent. */
export interface Updated<T> {
  value: T | undefined;
  revision: number | undefined;
}

/** A key as an update needs it: each write holds for what was read, or throws a PreconditionFailedError or a NotFoundError. */
export interface UpdatableKey<T> {
  read(): Promise<Item<T> | undefined>;
  create(value: T): Promise<number>;
  replace(value: T, revision: number): Promise<number>;
  remove(revision: number): Promise<void>;
}

/** Reads, applies, and writes if nobody else did; applies again to what the others wrote. */
export async function update<T>(
  key: UpdatableKey<T>,
  apply: (current: T | undefined) => T | undefined | Promise<T | undefined>,
  json: JsonCodec,
  retry: RetryPolicy,
  signal?: AbortSignal,
): Promise<Updated<T>> {
  let current = await key.read();
  for (let attempts = 1; ; attempts += 1) {
    // As text, and before `apply` sees it, since that may change the value in place.
    const before = current && textOf(json, current.value);
    const value = await apply(current?.value);
    try {
      if (value !== undefined && textOf(json, value) !== before) {
        return { value, revision: current ? await key.replace(value, current.revision) : await key.create(value) };
      }
      if (value === undefined && current) await key.remove(current.revision);
      return { value, revision: value === undefined ? undefined : current?.revision };
    } catch (error) {
      if (!(error instanceof PreconditionFailedError || error instanceof NotFoundError)) throw error;
      if (attempts >= ATTEMPTS) throw new ContentionError(`the key was changed by others ${attempts} times in a row`, { cause: error });
      await sleep(backoff(attempts, retry), signal);
      current = await currentOf(key, error);
    }
  }
}

async function currentOf<T>(key: UpdatableKey<T>, error: PreconditionFailedError | NotFoundError): Promise<Item<T> | undefined> {
  if (error instanceof NotFoundError) return undefined;
  if (error.current === undefined) return key.read();
  return (error.current as Item<T> | null) ?? undefined;
}
