import { LetheError } from './errors.js';

/** How often, and how long apart, something is tried again. */
export interface RetryOptions {
  /** How many times in all, the first included. 5 unless set. */
  attempts?: number;
  /** Milliseconds before the second attempt, doubled with each one. 100 unless set. */
  baseDelay?: number;
  /** The most milliseconds between two attempts. 5000 unless set. */
  maxDelay?: number;
}

export interface RetryPolicy extends Required<RetryOptions> {}

export const defaultRetry: RetryPolicy = { attempts: 5, baseDelay: 100, maxDelay: 5_000 };

/** The most seconds that a service's `Retry-After` is waited for. */
const MAX_RETRY_AFTER = 60;

/** Milliseconds to wait after `failures` failures: exponential, between half and the whole, so that many clients do not return at once. */
export function backoff(failures: number, { baseDelay, maxDelay }: RetryPolicy): number {
  const ceiling = Math.min(maxDelay, baseDelay * 2 ** (failures - 1));
  return ceiling / 2 + (Math.random() * ceiling) / 2;
}

/** Milliseconds to wait after `failures` failures, of which `error` was the last: no shorter than the service asks for, within bounds. */
export function delayAfter(error: unknown, failures: number, policy: RetryPolicy): number {
  const retryAfter = error instanceof LetheError ? (error.retryAfter ?? 0) : 0;
  return Math.max(backoff(failures, policy), Math.min(retryAfter, MAX_RETRY_AFTER) * 1_000);
}

/** Resolves after so many milliseconds. Rejects with the signal's reason as soon as that is aborted. */
export async function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', abort, { once: true });
  });
}
