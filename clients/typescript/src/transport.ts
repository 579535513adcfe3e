import { ConnectionError, errorOf, isTransient, type LetheError } from './errors.js';
import type { JsonCodec } from './json.js';
import { Deadline } from './deadline.js';
import { delayAfter, sleep, type RetryPolicy } from './retry.js';

export interface TransportOptions {
  baseUrl: string;
  token: string | (() => string | Promise<string>);
  fetch: typeof fetch;
  json: JsonCodec;
  retry: RetryPolicy;
  /** Milliseconds for one attempt, the answer's body included. */
  timeout: number;
}

/** A request that may be sent more than once and acts no more than once: a read, a plain PUT, or one with an Idempotency-Key. */
export interface RepeatableRequest {
  method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** From the base URL on, with the query. */
  path: string;
  headers?: Record<string, string>;
  body?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** A 2xx answer, received as a whole. */
export interface Answer {
  status: number;
  text: string;
}

/** Sends requests, again when that may help, and turns refusals into errors. */
export class Transport {
  readonly #base: string;

  constructor(private readonly options: TransportOptions) {
    this.#base = options.baseUrl.replace(/\/+$/, '');
  }

  /** Throws a LetheError for an answer other than 2xx, a ConnectionError for none. */
  async send(request: RepeatableRequest): Promise<Answer> {
    const { retry } = this.options;
    for (let failures = 1; ; failures += 1) {
      try {
        return await this.#attempt(request);
      } catch (error) {
        if (failures >= retry.attempts || !isTransient(error)) throw error;
        await sleep(delayAfter(error, failures, retry), request.signal);
      }
    }
  }

  /** Opens a stream, in one attempt. The body of its 2xx answer ends with `deadline`. */
  async open(path: string, headers: Record<string, string>, deadline: Deadline): Promise<ReadableStream<Uint8Array>> {
    const response = await this.#fetch({ method: 'GET', path, headers: { Accept: 'text/event-stream', ...headers } }, deadline);
    if (!response.ok) throw await this.#refusal(response, deadline);
    if (!response.body) throw new TypeError('this fetch does not stream');
    return response.body;
  }

  async #attempt(request: RepeatableRequest): Promise<Answer> {
    const deadline = new Deadline(request.signal);
    try {
      deadline.arm(this.options.timeout);
      const response = await this.#fetch(request, deadline);
      if (!response.ok) throw await this.#refusal(response, deadline);
      return { status: response.status, text: await unlessLost(response.text(), deadline) };
    } finally {
      deadline.close();
    }
  }

  async #fetch({ method, path, headers, body }: RepeatableRequest, deadline: Deadline): Promise<Response> {
    const { token } = this.options;
    const bearer = typeof token === 'string' ? token : await token();
    deadline.outer?.throwIfAborted();
    const init = {
      method,
      headers: new Headers({ Authorization: `Bearer ${bearer}`, ...headers }),
      signal: deadline.signal,
      cache: 'no-store' as const,
    };
    return unlessLost(this.options.fetch(new URL(this.#base + path), body === undefined ? init : { ...init, body }), deadline);
  }

  async #refusal(response: Response, deadline: Deadline): Promise<LetheError> {
    return errorOf(response.status, response.headers, await unlessLost(response.text(), deadline), this.options.json);
  }
}

/** What comes of `work` on the network. A failure is the caller's reason if the caller aborted it, and a ConnectionError otherwise. */
export async function unlessLost<T>(work: Promise<T>, deadline: Deadline): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    deadline.outer?.throwIfAborted();
    throw new ConnectionError('no answer', { cause });
  }
}
