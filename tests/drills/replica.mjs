// Four copies of one user's preferences, kept by the client, through a network that breaks and can be switched off. Takes commands as lines of
// JSON and answers each with one: `offline`, `online`, `edit` (an edit in the copy that syncs), `sync`, and `reach` a revision.
//
//   synced    an OfflineCache that is synced when it is told to
//   followed  an OfflineCache that follows
//   watched   what the events of a watch make of an empty set
//   mutant    the same, but it misses an event now and then: what checks the others has to see that
import { createInterface } from 'node:readline';
import { Lethe, MemoryStorage, OfflineCache } from '../../clients/typescript/dist/index.js';

const { LETHE_URL, LETHE_TOKEN, SEED } = process.env;
const figures = { events: 0, resyncs: 0, expired: 0, cut: 0, lost: 0, faults: [], mutant_faults: 0 };
const exact = { parse: (text) => text, stringify: (text) => text };
let network = new AbortController();
let isOnline = true;

/** Numbers from 0 to 1 that are the same for the same seed. */
function dice(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const roll = dice(Number(SEED));

/** A stream that breaks after some pieces. */
function breaking({ body, status, headers }) {
  const reader = body.getReader();
  let left = 1 + Math.floor(roll() * 60);
  const pull = async (controller) => {
    const { done, value } = left-- > 0 ? await reader.read() : { done: true };
    if (!done) return controller.enqueue(value);
    figures.cut += 1;
    await reader.cancel();
    controller.error(new TypeError('cut'));
  };
  return new Response(new ReadableStream({ pull }), { status, headers });
}

/** Loses some requests before they are sent, some answers after the service has acted, and everything while it is off. */
async function unreliable(url, init) {
  if (!isOnline) throw new TypeError('offline');
  const isWatch = String(url).includes('/changes/watch');
  const dart = roll();
  if (dart < 0.05) {
    figures.lost += 1;
    throw new TypeError('lost before it was sent');
  }
  const response = await fetch(url, { ...init, signal: AbortSignal.any([init.signal, network.signal]) });
  if (response.status === 410) figures.expired += 1;
  if (isWatch && response.ok) return breaking(response);
  if (dart >= 0.1) return response;
  figures.lost += 1;
  await response.arrayBuffer();
  throw new TypeError('the answer was lost');
}

const retry = { attempts: 3, baseDelay: 5, maxDelay: 50 };
const lethe = new Lethe({ baseUrl: LETHE_URL, token: LETHE_TOKEN, fetch: unreliable, retry, json: exact });
const plain = new Lethe({ baseUrl: LETHE_URL, token: LETHE_TOKEN, retry: { ...retry, attempts: 50 }, json: exact });

/** What events make of an empty set. */
class Copy {
  revision = 0;
  entries = new Map();

  constructor(fault) {
    this.fault = fault;
  }

  /** A change that comes twice, too late or too early is a fault. */
  take(event) {
    if (event.revision !== this.revision + 1) this.fault(`${event.revision} was told after ${this.revision}`);
    this.revision = event.revision;
    if (event.type === 'put') this.entries.set(event.key, event.text);
    else if (!this.entries.delete(event.key)) this.fault(`${event.key} was not there to be deleted`);
  }

  reset({ revision, items }) {
    this.revision = revision;
    this.entries = new Map(items.map(({ key, text }) => [key, text]));
  }
}

const watched = new Copy((fault) => figures.faults.push(fault));
const mutant = new Copy(() => (figures.mutant_faults += 1));

async function whole() {
  for (;;) {
    try {
      return await plain.snapshot();
    } catch (error) {
      if (error.name !== 'ContentionError' && error.name !== 'ConnectionError') throw error;
    }
  }
}

async function watch() {
  // What was told before the set was read may be in it already; what was read of is not told again.
  let known = 0;
  for await (const event of lethe.watch({ since: 0 })) {
    if (event.type === 'resync') {
      figures.resyncs += 1;
      const snapshot = await whole();
      watched.reset(snapshot);
      mutant.reset(snapshot);
      known = snapshot.revision;
      if (known < event.revision) figures.faults.push(`a resync at ${event.revision}, and the set was at ${known}`);
    } else {
      figures.events += 1;
      if (event.revision <= known) continue;
      watched.take(event);
      if (roll() >= 0.02) mutant.take(event);
    }
  }
}

const synced = await OfflineCache.open(lethe, new MemoryStorage());
const followed = await OfflineCache.open(lethe, new MemoryStorage());

async function until(condition) {
  for (const end = Date.now() + 30_000; !condition(); ) {
    if (Date.now() > end) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const stateOf = ({ revision, pending = 0 }, entries) => ({ revision, pending, entries: Object.fromEntries(entries) });

const commands = {
  offline() {
    isOnline = false;
    network.abort(new TypeError('offline'));
  },
  online() {
    isOnline = true;
    network = new AbortController();
  },
  edit: ({ key, text }) => (text === null ? synced.delete(key) : synced.set(key, text)),
  async sync() {
    for (;;) {
      try {
        await synced.sync();
        return stateOf(synced, synced.entries());
      } catch (error) {
        if (error.name !== 'ConnectionError' && error.name !== 'ContentionError' && error.status !== 503) throw error;
      }
    }
  },
  async reach({ revision }) {
    await until(() => watched.revision === revision && followed.revision === revision && followed.pending === 0);
    const state = {
      watched: stateOf(watched, watched.entries),
      followed: stateOf(followed, followed.entries()),
      mutant: stateOf(mutant, mutant.entries),
    };
    mutant.revision = watched.revision;
    mutant.entries = new Map(watched.entries);
    return { ...state, figures };
  },
};

watch().catch((error) => figures.faults.push(`the watch ended: ${error}`));
followed.follow().catch((error) => figures.faults.push(`the copy does not follow any more: ${error}`));
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...input } = JSON.parse(line);
  console.log(JSON.stringify((await commands[command](input)) ?? {}));
}
process.exit();
