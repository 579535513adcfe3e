/** One preference. */
export interface Item<T = unknown> {
  key: string;
  value: T;
  /** The value's exact JSON text, as the service keeps it: every digit, and members in their order. */
  text: string;
  /** The revision of the owner's set that this value came with. */
  revision: number;
  /** RFC 3339, UTC. */
  createdAt: string;
  /** RFC 3339, UTC. */
  updatedAt: string;
}

/** One page of a list. */
export interface Page<T> {
  items: T[];
  /** Where the next page begins; null on the last one. */
  next: string | null;
}

/** One page of the preferences. */
export interface ItemPage<T = unknown> extends Page<Item<T>> {
  /** The owner's revision when this page was read. */
  revision: number;
}

/** The whole set as it stood at one revision, ordered by key. */
export interface Snapshot {
  revision: number;
  items: Item[];
}

interface Changed {
  /** Each changed key takes its own, one more than the last. */
  revision: number;
  key: string;
  /** RFC 3339, UTC. */
  at: string;
  /** The id of the user who did it. */
  actor: number;
}

/** A key got a value. */
export interface PutChange extends Changed {
  op: 'put';
  value: unknown;
  /** The value's exact JSON text. */
  text: string;
}

/** A key was removed. */
export interface DeleteChange extends Changed {
  op: 'delete';
}

export type Change = PutChange | DeleteChange;

/** One page of the log of changes, oldest first and without a gap. */
export interface ChangePage {
  changes: Change[];
  /** The owner's present revision. Lower than what was asked from when the service was restored from a backup: read the set again. */
  revision: number;
  /** Whether there are changes after these. */
  more: boolean;
}

/** What a watch tells. `resync`: the log no longer reaches back; read the whole set again, what follows is later than `revision`. */
export type WatchEvent = (PutChange & { type: 'put' }) | (DeleteChange & { type: 'delete' }) | { type: 'resync'; revision: number };

/** What a change of many keys did. */
export interface SetChange {
  /** The owner's revision afterwards. */
  revision: number;
  changed: string[];
  removed: string[];
}

/** What a `set` did. */
export interface Written {
  /** The key's revision; the old one when it held this value already. */
  revision: number;
  /** Whether the key was not there before. */
  created: boolean;
}

/** `value` as a replacement, or as a merge patch (RFC 7396) that creates an absent key. */
export interface WriteOperation {
  op: 'put' | 'merge';
  key: string;
  value: unknown;
  ifMatch?: number | '*';
  ifNoneMatch?: '*';
}

export interface DeleteOperation {
  op: 'delete';
  key: string;
  ifMatch?: number | '*';
}

export type Operation = WriteOperation | DeleteOperation;

export interface OperationResult {
  key: string;
  status: number;
  revision?: number;
  /** Why an operation of a batch that is not atomic was refused. */
  slug?: string;
}

export interface BatchResult {
  /** The owner's revision afterwards. */
  revision: number;
  /** One for each operation, in their order. */
  results: OperationResult[];
}

/** One operation of a JSON patch (RFC 6902). */
export interface PatchOperation {
  op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test';
  /** A JSON pointer into the value. */
  path: string;
  /** A JSON pointer, for `move` and `copy`. */
  from?: string;
  /** For `add`, `replace` and `test`. */
  value?: unknown;
}

export interface Usage {
  keys: number;
  bytes: number;
}

/** What an account may hold. */
export interface Limits {
  keys: number;
  bytes: number;
  keyCharacters: number;
  /** Bytes of one value. */
  valueBytes: number;
  /** How deep a value may nest: a scalar is 0, `[]` is 1. */
  depth: number;
}
