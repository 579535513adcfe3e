/** Runs one piece of work at a time, in the order of asking. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve();

  /** What becomes of `work`, which begins when all that was asked for before has ended, well or badly. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#last.then(work, work);
    this.#last = run;
    return run;
  }
}
