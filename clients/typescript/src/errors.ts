import { members, type JsonCodec } from './json.js';
import type { Item } from './types.js';
import { decodeItem } from './wire.js';

/** One thing that was wrong with a request. */
export interface ProblemDetail {
  /** Where in the body, as a JSON pointer. */
  pointer?: string;
  parameter?: string;
  header?: string;
  code: string;
  detail: string;
}

/** The body of a refusal (RFC 9457). `type` is a page of the service that says what happened and what to do. */
export interface Problem {
  type: string;
  status: number;
  title?: string;
  detail?: string;
  errors?: ProblemDetail[];
  /** The index of the operation that an atomic batch was refused for. */
  operation?: number;
  [extension: string]: unknown;
}

/** An answer other than 2xx. */
export class LetheError extends Error {
  override name = 'LetheError';

  constructor(
    /** The last part of the problem's `type`, such as `quota-exceeded`; `http-STATUS` for an answer that is no problem document. */
    readonly slug: string,
    readonly status: number,
    readonly problem: Problem,
    /** Seconds after which the service suggests to ask again. */
    readonly retryAfter?: number,
  ) {
    super([`${status} ${slug}`, problem.detail ?? problem.title].filter(Boolean).join(': '));
  }
}

/** The preference is not there (404 `not-found`). */
export class NotFoundError extends LetheError {
  override name = 'NotFoundError';
}

/** The log of changes no longer reaches back that far (410 `cursor-expired`): read the whole set again. */
export class CursorExpiredError extends LetheError {
  override name = 'CursorExpiredError';
}

/** A condition did not hold, and nothing was changed (412 `precondition-failed`). */
export class PreconditionFailedError extends LetheError {
  override name = 'PreconditionFailedError';

  constructor(
    slug: string,
    status: number,
    problem: Problem,
    retryAfter: number | undefined,
    /** What the key holds now, `null` for nothing; undefined when the condition was on the whole set. */
    readonly current: Item | null | undefined,
    /** The revision of the whole set, when the condition was on that. */
    readonly currentRevision: number | undefined,
  ) {
    super(slug, status, problem, retryAfter);
  }
}

/**
 * No answer came, in spite of every attempt. Whether a write took place is unknown. The same write with the same `idempotencyKey` tells,
 * within 24 hours, and takes place once at most.
 */
export class ConnectionError extends Error {
  override name = 'ConnectionError';
}

/** Others wrote in between every time, for as many attempts as are made. */
export class ContentionError extends Error {
  override name = 'ContentionError';
}

/** The service ended a watch for good: the token is no longer valid, or the account is deleted. */
export class WatchEndedError extends Error {
  override name = 'WatchEndedError';

  constructor(readonly reason: string) {
    super(`the watch has ended: ${reason}`);
  }
}

/** What an answer other than 2xx says. */
export function errorOf(status: number, headers: Headers, body: string, codec: JsonCodec): LetheError {
  const problem = problemOf(status, body);
  const slug = problem.type.startsWith('/problems/') ? problem.type.slice('/problems/'.length) : `http-${status}`;
  const retryAfter = retryAfterOf(problem, headers);
  switch (slug) {
    case 'not-found':
      return new NotFoundError(slug, status, problem, retryAfter);
    case 'cursor-expired':
      return new CursorExpiredError(slug, status, problem, retryAfter);
    case 'precondition-failed': {
      const { current } = problem;
      const ofKey = current === null || (isObject(current) && 'key' in current);
      const item = current === null ? null : ofKey ? decodeItem(members(body).get('current') as string, codec) : undefined;
      const revision = isObject(current) && !ofKey ? (current['revision'] as number) : undefined;
      return new PreconditionFailedError(slug, status, problem, retryAfter, item, revision);
    }
    default:
      return new LetheError(slug, status, problem, retryAfter);
  }
}

/** Whether the same request may fare better after a while. */
export function isTransient(error: unknown): error is LetheError | ConnectionError {
  if (error instanceof ConnectionError) return true;
  return error instanceof LetheError && ([408, 429, 502, 503, 504].includes(error.status) || error.slug === 'idempotency-key-in-use');
}

/** The problem document that `body` is; one made up for the answers of others on the way, such as a proxy's page. */
function problemOf(status: number, body: string): Problem {
  try {
    const problem: unknown = JSON.parse(body);
    if (isObject(problem) && typeof problem['type'] === 'string') return problem as Problem;
  } catch {
    // No JSON, so no problem document.
  }
  return { type: 'about:blank', status };
}

function retryAfterOf(problem: Problem, headers: Headers): number | undefined {
  // A browser shows the header only to those whom the service allows.
  const seconds = Number(problem['retry_after'] ?? headers.get('retry-after') ?? NaN);
  return seconds >= 0 ? seconds : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
