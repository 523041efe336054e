import { type RawResponse, readResponse } from './response-parser.ts';

const NOTHING: Buffer = Buffer.alloc(0);
/** The longest head that is remembered, in bytes: it stays in memory as long as the backend's connections. */
const MOST_BYTES = 4_096;

/**
 * Reads the response heads of one backend. A backend that answers many like requests repeats its heads to the byte, at least
 * within the second of its `Date`. The last head is therefore remembered as bytes, with its meaning. Nothing is remembered of
 * the first response, because many backends have no second one.
 */
export class ResponseMemo {
  #responses = 0;
  /** The remembered response; undefined if there is none. */
  #last: RawResponse | undefined;
  /** Its head as bytes, of which there are `#size`, and whether its request was a HEAD. */
  #bytes = NOTHING;
  #size = 0;
  #toHead = false;

  /** Reads the head between the offsets, with its last header line. Returns undefined if the client must not get it. */
  read(
    bytes: Buffer,
    from: number,
    end: number,
    toHead: boolean,
    clusterDomain: string,
  ): RawResponse | undefined {
    const size = end - from;
    const isLikely = this.#last !== undefined && size === this.#size && toHead === this.#toHead;
    if (isLikely && bytes.compare(this.#bytes, 0, size, from, end) === 0) return this.#last;
    const response = readResponse(bytes.toString('latin1', from, end), toHead, clusterDomain);
    this.#responses += 1;
    // No two answers to a handshake are equal.
    if (this.#responses === 1 || !response || response.status === 101 || size > MOST_BYTES)
      this.#last = undefined;
    else this.#remember(response, bytes.subarray(from, end), toHead);
    return response;
  }

  #remember(response: RawResponse, head: Buffer, toHead: boolean): void {
    if (this.#bytes.length < head.length) this.#bytes = Buffer.allocUnsafeSlow(head.length);
    head.copy(this.#bytes);
    this.#size = head.length;
    this.#toHead = toHead;
    this.#last = response;
  }
}
