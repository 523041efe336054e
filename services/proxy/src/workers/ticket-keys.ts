/**
 * The keys that TLS session tickets are sealed with, the same for all workers, so that a session is resumed by whichever of them takes
 * the connection. A new one replaces the old after an hour (RFC 8446 §C.4, RFC 5077 §5.5), at the price of one full handshake
 * per client; it lives in memory alone.
 */
const ROTATED_AFTER_MS = 3_600_000;
/** A name, a key for the seal and one for the cipher, as Node wants them. */
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

  /** The same object until there are new ones. */
  at(now: number): Buffer {
    if (now - this.#since >= ROTATED_AFTER_MS) {
      this.#keys = this.#randomBytes(KEY_BYTES);
      this.#since = now;
    }
    return this.#keys;
  }
}
