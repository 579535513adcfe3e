import type { Change, Operation, Snapshot } from './types.js';
import type { JsonCodec } from './json.js';

/** What the service was last seen to hold under a key. */
export interface Held {
  /** The value's exact JSON text. */
  readonly text: string;
  readonly revision: number;
}

/** An edit made here, until the copy shows what the service made of it. */
export interface Edit {
  /** The Idempotency-Key it is sent with. Another text or another condition gets another id. */
  readonly id: string;
  readonly key: string;
  /** The value's JSON text; null deletes. */
  readonly text: string | null;
  /** What was seen under the key when it was edited; null for nothing. */
  readonly base: string | null;
  /** Since it may have been sent: the revision of the key that it holds for, 0 for none. */
  readonly expected?: number;
  /** Since it took place: the owner's revision by which the log tells of it. */
  readonly settled?: number;
}

/** An offline copy at one moment. Never changed; each step makes another. */
export interface Copy {
  /** The revision up to which the log was read; undefined before the first time. */
  readonly revision: number | undefined;
  readonly items: ReadonlyMap<string, Held>;
  /** In the order in which the edits were made. */
  readonly outbox: readonly Edit[];
}

export const emptyCopy: Copy = { revision: undefined, items: new Map(), outbox: [] };

/** The JSON text that a reader sees under `key`: the last edit's, or else the service's; null for nothing. */
export function seen(copy: Copy, key: string): string | null {
  const edit = lastEdit(copy, key);
  return edit ? edit.text : held(copy, key);
}

/** The JSON text that the service holds under `key`, as far as the log was read; null for nothing. */
export function held(copy: Copy, key: string): string | null {
  return copy.items.get(key)?.text ?? null;
}

/** The revision that goes with it; 0 for nothing. */
export function heldRevision(copy: Copy, key: string): number {
  return copy.items.get(key)?.revision ?? 0;
}

/** All keys under which a reader sees something. */
export function seenKeys(copy: Copy): string[] {
  const keys = new Set([...copy.items.keys(), ...copy.outbox.map(({ key }) => key)]);
  return [...keys].filter((key) => seen(copy, key) !== null);
}

function lastEdit(copy: Copy, key: string): Edit | undefined {
  return copy.outbox.filter((edit) => edit.key === key).at(-1);
}

/** Edits `key`. An edit that was not sent yet is replaced; one that may have been sent is left as it is, and another one follows it. */
export function edited(copy: Copy, key: string, text: string | null, id: string): Copy {
  const base = seen(copy, key);
  if (base === text) return copy;
  const last = lastEdit(copy, key);
  if (last && isUnsent(last)) return replaced(copy, last, { ...last, id, text });
  return { ...copy, outbox: [...copy.outbox, { id, key, text, base }] };
}

/** Follows the log. What the copy knows already is passed over. */
export function advanced(copy: Copy, changes: readonly Change[]): Copy {
  const news = changes.filter(({ revision }) => revision > (copy.revision ?? 0));
  if (news.length === 0) return tidied(copy);
  const items = new Map(copy.items);
  for (const change of news) {
    if (change.op === 'put') items.set(change.key, { text: change.text, revision: change.revision });
    else items.delete(change.key);
  }
  return tidied({ ...copy, items, revision: news.at(-1)?.revision });
}

/** Takes the whole set from the service. Edits stay. */
export function reset(copy: Copy, { revision, items }: Snapshot): Copy {
  const wentBack = copy.revision !== undefined && revision < copy.revision;
  return tidied({
    revision,
    items: new Map(items.map(({ key, text, revision }) => [key, { text, revision }])),
    // After a restore from a backup, revisions mean something else than before, and what took place may have been undone with the rest.
    outbox: wentBack ? copy.outbox.filter(({ settled }) => settled === undefined).map(unsent) : copy.outbox,
  });
}

/** Drops the edits that the log has told of. */
function tidied(copy: Copy): Copy {
  const outbox = copy.outbox.filter(({ settled }) => settled === undefined || settled > (copy.revision ?? 0));
  return outbox.length === copy.outbox.length ? copy : { ...copy, outbox };
}

/** Puts `next` in the place of `edit`, or nothing. The copy stays as it is when that edit is no longer there. */
export function replaced(copy: Copy, edit: Edit, next: Edit | undefined): Copy {
  if (!copy.outbox.some(({ id }) => id === edit.id)) return copy;
  return { ...copy, outbox: copy.outbox.flatMap((other) => (other.id !== edit.id ? [other] : next ? [next] : [])) };
}

/** The edit as it was before it was sent, to be sent under another id: the service would refuse another condition under the old one. */
export function unsent({ key, text, base }: Edit): Edit {
  return { id: crypto.randomUUID(), key, text, base };
}

export function isUnsent({ expected }: Edit): boolean {
  return expected === undefined;
}

/** For each key the edit that is next to be sent. */
export function due(copy: Copy): Edit[] {
  const first = new Map<string, Edit>();
  for (const edit of copy.outbox) if (!first.has(edit.key)) first.set(edit.key, edit);
  return [...first.values()].filter(({ settled }) => settled === undefined);
}

/** What is sent for an edit: its text, if the key still is as expected. Always the same for the same edit. */
export function operationOf({ key, text, expected }: Edit, json: JsonCodec): Operation {
  if (text === null) return { op: 'delete', key, ...(expected && { ifMatch: expected }) };
  const value = json.parse(text);
  return expected ? { op: 'put', key, value, ifMatch: expected } : { op: 'put', key, value, ifNoneMatch: '*' };
}

/** The version of the texts that `encode` makes. */
const VERSION = 1;

export function encode({ revision, items, outbox }: Copy): string {
  const held = [...items].map(([key, { text, revision }]) => [key, text, revision]);
  return JSON.stringify({ version: VERSION, revision, items: held, outbox });
}

/** Throws an Error for what `encode` did not make. */
export function decode(snapshot: string): Copy {
  const { version, revision, items, outbox } = JSON.parse(snapshot) as {
    version: number;
    revision?: number;
    items: [key: string, text: string, revision: number][];
    outbox: Edit[];
  };
  if (version !== VERSION) throw new Error(`an offline copy of version ${version} cannot be read`);
  return { revision, items: new Map(items.map(([key, text, revision]) => [key, { text, revision }])), outbox };
}
