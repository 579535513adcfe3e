import { Deadline } from './deadline.js';
import { isTransient, WatchEndedError } from './errors.js';
import type { JsonCodec } from './json.js';
import { queryOf } from './path.js';
import { delayAfter, sleep, type RetryPolicy } from './retry.js';
import { EventStreamParser, type ServerSentEvent } from './sse.js';
import { unlessLost, type Transport } from './transport.js';
import type { WatchEvent } from './types.js';
import { decodeChange } from './wire.js';

export interface WatchSetup {
  transport: Transport;
  json: JsonCodec;
  retry: RetryPolicy;
  path: string;
  /** Milliseconds of silence after which the connection is taken for dead. */
  silence: number;
  /** The revision that is known; what follows is later. */
  since: number;
  signal: AbortSignal | undefined;
}

/** Changes after `since`, over as many connections as it takes. */
export async function* watch(setup: WatchSetup): AsyncGenerator<WatchEvent, never, undefined> {
  const { json, retry, silence, signal } = setup;
  let revision = setup.since;
  for (let failures = 0; ; ) {
    const opened = Date.now();
    let failure: unknown;
    try {
      for await (const event of connect(setup, revision)) {
        if (event.type === 'end' && endsForGood(event)) throw new WatchEndedError(reasonOf(event));
        const told = decodeEvent(event, json);
        // A resync may go back, when the service was restored from a backup. A change never does: it would be a repeat.
        if (!told || (told.type !== 'resync' && told.revision <= revision)) continue;
        revision = told.revision;
        failures = 0;
        yield told;
      }
    } catch (error) {
      if (!isTransient(error)) throw error;
      failure = error;
    }
    // A connection that lived through some heartbeats was a good one, though nothing happened on it.
    failures = Date.now() - opened > silence ? 1 : failures + 1;
    await sleep(delayAfter(failure, failures, retry), signal);
  }
}

/** The events of one connection. */
async function* connect({ transport, path, since, silence, signal }: WatchSetup, revision: number): AsyncGenerator<ServerSentEvent> {
  const deadline = new Deadline(signal);
  try {
    deadline.arm(silence);
    const headers: Record<string, string> = revision === since ? {} : { 'Last-Event-ID': String(revision) };
    const body = await transport.open(path + queryOf({ since }), headers, deadline);
    const reader = body.getReader();
    const decoder = new TextDecoder();
    const parser = new EventStreamParser();
    for (;;) {
      deadline.arm(silence);
      const { done, value } = await unlessLost(reader.read(), deadline);
      // While the events are handled nothing is read, so that silence then says nothing about the connection.
      deadline.disarm();
      if (done) return;
      yield* parser.feed(decoder.decode(value, { stream: true }));
    }
  } finally {
    deadline.close();
  }
}

/** What an event tells of the preferences; undefined for `end` and for kinds that this version does not know. */
function decodeEvent({ type, data }: ServerSentEvent, json: JsonCodec): WatchEvent | undefined {
  if (type === 'resync') return { type, revision: (JSON.parse(data) as { revision: number }).revision };
  if (type !== 'put' && type !== 'delete') return undefined;
  const change = decodeChange(data, json);
  return change.op === 'put' ? { type: 'put', ...change } : { type: 'delete', ...change };
}

/** Whether another connection would meet the same end. After a shutdown another node, or the next process, answers. */
function endsForGood(event: ServerSentEvent): boolean {
  return reasonOf(event) !== 'shutdown';
}

function reasonOf({ data }: ServerSentEvent): string {
  return (JSON.parse(data) as { reason: string }).reason;
}
