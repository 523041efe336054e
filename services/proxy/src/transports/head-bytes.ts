/** Collects a head that comes in pieces. It copies each byte a bounded number of times, however small the pieces are. */
export class HeadBytes {
  #bytes: Buffer | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The bytes that have come. Valid until the next call. */
  get bytes(): Buffer {
    return this.#bytes?.subarray(0, this.#length) ?? NOTHING;
  }

  /** Copies the bytes between the offsets behind those that have come. */
  add(next: Buffer, from: number, to: number): void {
    const length = this.#length + to - from;
    const old = this.#bytes;
    if (!old || old.length < length) {
      const size = old ? Math.max(2 * old.length, length) : length;
      this.#bytes = Buffer.allocUnsafeSlow(size);
      old?.copy(this.#bytes, 0, 0, this.#length);
    }
    next.copy(this.#bytes as Buffer, this.#length, from, to);
    this.#length = length;
  }

  /** Forgets the first of them. */
  drop(count: number): void {
    if (count > 0) this.#bytes?.copyWithin(0, count, this.#length);
    this.#length -= count;
  }
}

const NOTHING = Buffer.alloc(0);
