import { elements, members, objectText, textOf, type JsonCodec } from './json.js';
import type {
  BatchResult,
  Change,
  ChangePage,
  Item,
  ItemPage,
  Limits,
  Operation,
  OperationResult,
  Page,
  PatchOperation,
  SetChange,
  Usage,
} from './types.js';

/** A member that is not a value of a preference, and needs no codec. */
function plain<T>(object: Map<string, string>, name: string): T {
  const text = object.get(name);
  if (text === undefined) throw new SyntaxError(`the answer lacks ${name}`);
  return JSON.parse(text) as T;
}

function list<T>(object: Map<string, string>, name: string, decode: (text: string) => T): T[] {
  return elements(object.get(name) ?? '').map(decode);
}

export function decodeItem<T>(text: string, codec: JsonCodec): Item<T> {
  const item = members(text);
  const value = item.get('value') ?? '';
  return {
    key: plain(item, 'key'),
    value: codec.parse(value) as T,
    text: value,
    revision: plain(item, 'revision'),
    createdAt: plain(item, 'created_at'),
    updatedAt: plain(item, 'updated_at'),
  };
}

export function decodeItemPage<T>(text: string, codec: JsonCodec): ItemPage<T> {
  const page = members(text);
  return {
    items: list(page, 'items', (item) => decodeItem<T>(item, codec)),
    revision: plain(page, 'revision'),
    next: plain(page, 'next'),
  };
}

export function decodeChange(text: string, codec: JsonCodec): Change {
  const change = members(text);
  const common = {
    revision: plain<number>(change, 'revision'),
    key: plain<string>(change, 'key'),
    at: plain<string>(change, 'at'),
    actor: plain<number>(change, 'actor'),
  };
  if (plain(change, 'op') === 'delete') return { op: 'delete', ...common };
  const value = change.get('value') ?? '';
  return { op: 'put', ...common, value: codec.parse(value), text: value };
}

export function decodeChangePage(text: string, codec: JsonCodec): ChangePage {
  const page = members(text);
  return {
    changes: list(page, 'changes', (change) => decodeChange(change, codec)),
    revision: plain(page, 'revision'),
    more: plain(page, 'more'),
  };
}

export function decodeHistoryPage(text: string, codec: JsonCodec): Page<Change> {
  const page = members(text);
  return { items: list(page, 'items', (change) => decodeChange(change, codec)), next: plain(page, 'next') };
}

export function decodeSetChange(text: string): SetChange {
  const { revision, changed, removed } = JSON.parse(text) as SetChange;
  return { revision, changed, removed };
}

export function decodeBatchResult(text: string): BatchResult {
  const { revision, results } = JSON.parse(text) as { revision: number; results: (OperationResult & { type?: string })[] };
  return {
    revision,
    results: results.map(({ type, ...result }) => ({ ...result, ...(type !== undefined && { slug: type.replace('/problems/', '') }) })),
  };
}

export function decodeUsage(text: string): Usage {
  const { keys, bytes } = JSON.parse(text) as Usage;
  return { keys, bytes };
}

export function decodeLimits(text: string): Limits {
  const limits = JSON.parse(text) as { keys: number; bytes: number; key_characters: number; value_bytes: number; depth: number };
  const { keys, bytes, key_characters: keyCharacters, value_bytes: valueBytes, depth } = limits;
  return { keys, bytes, keyCharacters, valueBytes, depth };
}

export function encodeBatch(operations: readonly Operation[], atomic: boolean | undefined, codec: JsonCodec): string {
  const texts = operations.map((operation) => encodeOperation(operation, codec));
  return objectText([
    ['atomic', atomic === undefined ? undefined : String(atomic)],
    ['operations', `[${texts.join(',')}]`],
  ]);
}

function encodeOperation(operation: Operation, codec: JsonCodec): string {
  const { op, key, ifMatch } = operation;
  const written = operation.op === 'delete' ? undefined : operation;
  return objectText([
    ['op', JSON.stringify(op)],
    ['key', JSON.stringify(key)],
    ['value', written && textOf(codec, written.value)],
    ['if_match', ifMatch === undefined ? undefined : JSON.stringify(entityTag(ifMatch))],
    ['if_none_match', written?.ifNoneMatch && JSON.stringify(written.ifNoneMatch)],
  ]);
}

export function encodeJsonPatch(operations: readonly PatchOperation[], codec: JsonCodec): string {
  const texts = operations.map(({ op, path, from, value }) =>
    objectText([
      ['op', JSON.stringify(op)],
      ['path', JSON.stringify(path)],
      ['from', JSON.stringify(from)],
      ['value', value === undefined ? undefined : textOf(codec, value)],
    ]),
  );
  return `[${texts.join(',')}]`;
}

/** Members are keys; `null` removes. */
export function encodeSetPatch(patch: Readonly<Record<string, unknown>>, codec: JsonCodec): string {
  return objectText(Object.entries(patch).map(([key, value]) => [key, textOf(codec, value)] as const));
}

/** A revision as an entity tag. */
export function entityTag(revision: number | '*'): string {
  return revision === '*' ? '*' : `"${revision}"`;
}
