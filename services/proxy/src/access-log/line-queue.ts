/** Writes lines in batches, one batch at a time. A slow reader delays no request: beyond a bound, lines are dropped and counted. */
export interface LineSink {
  /** Calls back when the text was written, or cannot be. */
  write(text: string, done: () => void): void;
  /** A line was dropped. */
  dropped(): void;
  /** Lines are written again; this many were dropped meanwhile. */
  recovered(dropped: number): void;
}

/** The kernel writes this much to a pipe in one piece, even if several processes write to it (PIPE_BUF). */
const BATCH_BYTES = 4_096;
export const MOST_BYTES = 1024 * 1024;
const COLLECT_MS = 100;
const CLOSING_MS = 1_000;

export class LineQueue {
  readonly #sink: LineSink;
  #lines: string[] = [];
  /** Index of the next line to write. */
  #next = 0;
  #bytes = 0;
  #dropped = 0;
  #writing = false;
  #collecting: NodeJS.Timeout | undefined;
  #emptied: (() => void) | undefined;

  constructor(sink: LineSink) {
    this.#sink = sink;
  }

  /** The line has no line end. */
  add(line: string): void {
    const size = Buffer.byteLength(line) + 1;
    if (this.#bytes + size > MOST_BYTES) {
      this.#dropped += 1;
      this.#sink.dropped();
      return;
    }
    this.#lines.push(line);
    this.#bytes += size;
    if (this.#writing) return;
    if (this.#bytes >= BATCH_BYTES) this.#write();
    else this.#collecting ??= setTimeout(() => this.#write(), COLLECT_MS);
  }

  /** Resolves when everything is written, or after a second. */
  async close(): Promise<void> {
    if (!this.#writing) this.#write();
    if (!this.#writing) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#emptied = resolve;
    const late = setTimeout(resolve, CLOSING_MS);
    await promise;
    clearTimeout(late);
  }

  #write(): void {
    clearTimeout(this.#collecting);
    this.#collecting = undefined;
    const batch = this.#batch();
    if (batch === '') {
      this.#emptied?.();
      return;
    }
    this.#writing = true;
    this.#sink.write(batch, () => {
      this.#writing = false;
      const dropped = this.#dropped;
      this.#dropped = 0;
      if (dropped > 0) this.#sink.recovered(dropped);
      this.#write();
    });
  }

  /** As many whole lines as fit into a batch, and at least one. */
  #batch(): string {
    let batch = '';
    let bytes = 0;
    for (; this.#next < this.#lines.length; this.#next += 1) {
      const line = this.#lines[this.#next] ?? '';
      const size = Buffer.byteLength(line) + 1;
      if (bytes > 0 && bytes + size > BATCH_BYTES) break;
      batch += `${line}\n`;
      bytes += size;
    }
    this.#bytes -= bytes;
    if (this.#next === this.#lines.length) {
      this.#lines = [];
      this.#next = 0;
    }
    return batch;
  }
}
