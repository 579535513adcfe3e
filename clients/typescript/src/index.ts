export {
  Lethe,
  type CallOptions,
  type ConditionalOptions,
  type LetheOptions,
  type ListOptions,
  type PageOptions,
  type SetOptions,
  type SetWideOptions,
  type WriteOptions,
} from './client.js';
export {
  ConnectionError,
  ContentionError,
  CursorExpiredError,
  LetheError,
  NotFoundError,
  PreconditionFailedError,
  WatchEndedError,
  type Problem,
  type ProblemDetail,
} from './errors.js';
export type { JsonCodec } from './json.js';
export { OfflineCache, type CacheChange, type Conflict, type OfflineCacheOptions, type RefusedEdit, type Resolver } from './offline.js';
export type { RetryOptions } from './retry.js';
export { EventStreamParser, type ServerSentEvent } from './sse.js';
export { MemoryStorage, type SnapshotStorage } from './storage.js';
export type * from './types.js';
export type { Updated } from './update.js';
