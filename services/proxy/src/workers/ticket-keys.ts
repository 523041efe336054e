/**
 * The keys that seal TLS session tickets. All workers have the same keys, so any of them can resume a session. They are replaced
 * after an hour (RFC 8446 §C.4, RFC 5077 §5.5), which costs each client one full handshake, and exist only in memory.
 */
const ROTATED_AFTER_MS = 3_600_000;
/** Node's format: a name, a key for the seal and one for the cipher. */
const KEY_BYTES = 48;

export class TicketKeys {
  readonly #randomBytes: (size: number) => Buffer;
  #keys: Buffer;
  #since: number;

  /** Times are the caller's clock in milliseconds. */
  constructor(randomBytes: (size: number) => Buffer, now: number) {
    this.#randomBytes = randomBytes;
    this.#keys = randomBytes(KEY_BYTES);
    this.#since = now;
  }

  /** Returns the same object until the keys are replaced. */
  at(now: number): Buffer {
    if (now - this.#since >= ROTATED_AFTER_MS) {
      this.#keys = this.#randomBytes(KEY_BYTES);
      this.#since = now;
    }
    return this.#keys;
  }
}
