import { ChunkFollower } from '../chunked.ts';
import type { BodyKind } from './response-parser.ts';

/** Finds the end of a response's body (RFC 9112 §6.3), and the bytes of it that the client gets. */
export class ResponseBody {
  /** The last byte was seen. Never set by itself for a body that ends with the connection. */
  done: boolean;
  /** The body is malformed and cannot be completed. */
  bad = false;
  /** After `take`: the offset behind the last byte that belongs to the body. */
  end = 0;
  readonly endsWithConnection: boolean;
  readonly #chunks: ChunkFollower | undefined;
  #left: number;

  /** `length` counts for a body of that kind only. */
  constructor(kind: BodyKind, length = 0) {
    this.endsWithConnection = kind === 'close';
    this.#chunks = kind === 'chunked' ? new ChunkFollower() : undefined;
    this.#left = kind === 'length' ? length : kind === 'close' ? Number.POSITIVE_INFINITY : 0;
    this.done = kind !== 'chunked' && this.#left === 0;
  }

  /** Takes the bytes from `from` to `to`. Returns the offset behind the last one that crosses as it is. */
  take(bytes: Uint8Array, from: number, to: number): number {
    const chunks = this.#chunks;
    if (chunks) {
      const passes = chunks.follow(bytes, from, to);
      this.done = chunks.done;
      this.bad = chunks.bad;
      this.end = chunks.end;
      return passes;
    }
    const taken = Math.min(this.#left, to - from);
    this.#left -= taken;
    this.done = this.#left === 0;
    this.end = from + taken;
    return this.end;
  }

  /** Trailers were removed, so the line end that closes the body has still to be written. */
  get owesEnd(): boolean {
    return this.#chunks?.owesEnd ?? false;
  }
}
