import type { Peer } from '../../edge/request.ts';
import { type RawRequest, readRequest, repeatRequest } from './request-parser.ts';

const LF = 0x0a;
const NOTHING: Buffer = Buffer.alloc(0);
const NO_TEXTS = { headers: '', kept: '' };
/** The longest header lines that are remembered, in bytes: they stay in memory as long as the connection. */
const MOST_BYTES = 4_096;

/**
 * Reads the requests of one connection. Clients repeat their header lines from request to request, so the lines of the last
 * request are remembered as bytes: if the next ones are equal, only the request line is read. Nothing is remembered of the first
 * request, because many connections have no second one.
 */
export class HeaderMemo {
  readonly #peer: Peer;
  #requests = 0;
  /** The remembered request; undefined if there is none. */
  #last: RawRequest | undefined;
  /** Its header lines: as bytes, of which there are `#size`, as text, and those that cross. */
  #bytes = NOTHING;
  #size = 0;
  #texts = NO_TEXTS;

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  /** Reads the head that ends at `end`, with its last header line. Returns undefined if it is for Node's parser. */
  read(bytes: Buffer, end: number): RawRequest | undefined {
    const from = bytes.indexOf(LF) + 1;
    const size = end - from;
    if (this.#last && size === this.#size && bytes.compare(this.#bytes, 0, size, from, end) === 0)
      return repeatRequest(bytes.toString('latin1', 0, from), this.#last, this.#texts);
    const head = bytes.toString('latin1', 0, end);
    const request = readRequest(head, this.#peer);
    this.#requests += 1;
    // The switch of a handshake depends on its request line, too.
    if (this.#requests === 1 || !request || request.upgrade || size > MOST_BYTES) this.#last = undefined;
    else this.#remember(request, head, bytes.subarray(from, end));
    return request;
  }

  #remember(request: RawRequest, head: string, headers: Buffer): void {
    const { lineLength, lines } = request;
    if (this.#bytes.length < headers.length) this.#bytes = Buffer.allocUnsafeSlow(headers.length);
    headers.copy(this.#bytes);
    this.#size = headers.length;
    this.#last = request;
    this.#texts = { headers: head.slice(lineLength), kept: lines.slice(lineLength) };
  }
}
