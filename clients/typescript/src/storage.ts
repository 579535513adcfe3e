/**
 * Where an offline copy is kept: one text, replaced as a whole. `save` must be atomic, so that after a crash either the old or the new text
 * is loaded; `localStorage.setItem` is, and so is a file that is written beside the old one and renamed.
 */
export interface SnapshotStorage {
  /** What was saved last; undefined or null for nothing yet. */
  load(): string | null | undefined | Promise<string | null | undefined>;
  save(snapshot: string): void | Promise<void>;
}

/** Keeps a copy as long as the process lives. */
export class MemoryStorage implements SnapshotStorage {
  #snapshot: string | undefined;

  load(): string | undefined {
    return this.#snapshot;
  }

  save(snapshot: string): void {
    this.#snapshot = snapshot;
  }
}
