export interface StreamId {
  readonly ms: number;
  readonly seq: number;
}

export interface StreamEntry {
  readonly id: StreamId;
  /** Field, value, field, value, … */
  readonly fields: readonly string[];
}

export const FIRST: StreamId = { ms: 0, seq: 0 };
export const LAST: StreamId = { ms: Number.POSITIVE_INFINITY, seq: Number.POSITIVE_INFINITY };

export function compareIds(a: StreamId, b: StreamId): number {
  return a.ms === b.ms ? a.seq - b.seq : a.ms - b.ms;
}

export const idText = ({ ms, seq }: StreamId) => `${ms}-${seq}`;

/** Entries whose ids only grow. */
export class Stream {
  #entries: StreamEntry[] = [];
  /** How many of the first entries are gone. They are removed in bulk. */
  #gone = 0;
  #last: StreamId = FIRST;

  get length(): number {
    return this.#entries.length - this.#gone;
  }

  /** The highest id that the stream ever had. */
  get last(): StreamId {
    return this.#last;
  }

  append(entry: StreamEntry): void {
    this.#entries.push(entry);
    this.#last = entry.id;
  }

  /** From one id to another, both included, oldest first. */
  range(from: StreamId, to: StreamId): StreamEntry[] {
    return this.#entries.slice(this.#at(from), this.#at({ ms: to.ms, seq: to.seq + 1 }));
  }

  /** At most `count` that are newer than an id. */
  after(id: StreamId, count: number): StreamEntry[] {
    const from = this.#at({ ms: id.ms, seq: id.seq + 1 });
    return this.#entries.slice(from, from + count);
  }

  /** Keeps the newest `length`. */
  trim(length: number): void {
    this.#gone += Math.max(0, this.length - length);
    if (this.#gone <= this.length) return;
    this.#entries = this.#entries.slice(this.#gone);
    this.#gone = 0;
  }

  clone(): Stream {
    const copy = new Stream();
    copy.#entries = this.#entries.slice(this.#gone);
    copy.#last = this.#last;
    return copy;
  }

  /** The place of the first entry that is not older than an id. */
  #at(id: StreamId): number {
    let low = this.#gone;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareIds((this.#entries[middle] as StreamEntry).id, id) >= 0) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
