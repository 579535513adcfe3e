/** A signal that is aborted with another one, and when an armed time is over. */
export class Deadline {
  readonly #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly outer?: AbortSignal) {
    outer?.addEventListener('abort', this.#follow, { once: true });
    if (outer?.aborted) this.#follow();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Aborts in so many milliseconds, unless disarmed before. */
  arm(milliseconds: number): void {
    this.disarm();
    this.#timer = setTimeout(() => this.#controller.abort(new Error(`nothing came for ${milliseconds} ms`)), milliseconds);
  }

  disarm(): void {
    clearTimeout(this.#timer);
  }

  /** Ends what still runs under this signal, and forgets the outer one. */
  close(): void {
    this.disarm();
    this.outer?.removeEventListener('abort', this.#follow);
    this.#controller.abort(new Error('closed'));
  }

  readonly #follow = (): void => this.#controller.abort(this.outer?.reason);
}
