// 64 writers that read, modify and write through the client's `update`: counters, and objects that collect marks. Prints what was acknowledged.
import { ContentionError, Lethe } from '../../clients/typescript/dist/index.js';

const { LETHE_URL, LETHE_TOKEN, ROUNDS, KEYS, WRITERS } = process.env;
let rounds = Number(ROUNDS);
const figures = { counted: {}, marked: {}, conflicts: 0, gave_up: 0 };

async function counting(url, init) {
  const response = await fetch(url, init);
  if (response.status === 412) figures.conflicts += 1;
  return response;
}

async function write(writer) {
  for (let turn = 0; rounds > 0; turn += 1) {
    rounds -= 1;
    const number = Math.floor(Math.random() * KEYS);
    const mark = `${writer}.${turn}`;
    const [key, apply, note] = number % 2
      ? [`counter${number}`, (count = 0) => count + 1, () => (figures.counted[key] = (figures.counted[key] ?? 0) + 1)]
      : [`marks${number}`, (marks = {}) => ({ ...marks, [mark]: turn }), () => (figures.marked[key] ??= []).push(mark)];
    try {
      await lethe.update(key, apply);
      note();
    } catch (error) {
      // Nothing was written: others were faster every time.
      if (!(error instanceof ContentionError)) throw error;
      figures.gave_up += 1;
      rounds += 1;
    }
  }
}

const lethe = new Lethe({ baseUrl: LETHE_URL, token: LETHE_TOKEN, fetch: counting, retry: { baseDelay: 5, maxDelay: 100 } });
const began = performance.now();
await Promise.all(Array.from({ length: Number(WRITERS) }, (_, writer) => write(writer)));
console.log(JSON.stringify({ ...figures, seconds: (performance.now() - began) / 1000 }));
