import { ChunkFollower } from './chunked.ts';
import type { StrictResponse } from './response-parser.ts';

/** Where an answer's body ends (RFC 9112 §6.3), and which of its bytes the client gets. */
export class AnswerBody {
  /** The last byte was seen. One that ends with the connection never says so. */
  done: boolean;
  /** It cannot be brought to its end. */
  bad = false;
  /** After `take`: the offset behind the last byte that is part of it. */
  end = 0;
  /** Only the end of the connection tells its end. */
  readonly endsWithConnection: boolean;
  readonly #chunks: ChunkFollower | undefined;
  #left: number;

  constructor({ body, length }: Pick<StrictResponse, 'body' | 'length'>) {
    this.endsWithConnection = body === 'close';
    this.#chunks = body === 'chunked' ? new ChunkFollower() : undefined;
    this.#left = body === 'length' ? length : body === 'close' ? Number.POSITIVE_INFINITY : 0;
    this.done = body !== 'chunked' && this.#left === 0;
  }

  /** Takes the bytes from `from` to `to`; returns the offset behind the last one that goes on as it is. */
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

  /** Trailers were left out, so that the line end which closes the body is still owed to the reader. */
  get owesEnd(): boolean {
    return this.#chunks?.owesEnd ?? false;
  }
}
