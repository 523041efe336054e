import { CR, LF } from '../../edge/header-lines.ts';
import { isInterim, tooLarge, tooManyInterim } from '../../edge/response-rules.ts';
import { BOUNDS } from '../../timeouts.ts';
import { HeadBytes } from '../head-bytes.ts';
import { endOfHead, objectionToStart, plainHead } from '../plain-head.ts';
import type { ResponseMemo } from './response-memo.ts';
import { type RawResponse, readResponse } from './response-parser.ts';

const HEAD_END = Buffer.from('\r\n\r\n');
const NOTHING = Buffer.alloc(0);

export interface HeadReaderOptions {
  /** The request is a HEAD. */
  readonly toHead: boolean;
  readonly clusterDomain: string;
  readonly maxBytes: number;
}

/** A head that cannot be forwarded. */
export interface Objection {
  readonly objection: string;
}

/** Collects the head of a response from the bytes that a backend sends, and skips interim responses. */
export class HeadReader {
  /** The bytes that follow the head, once it is complete: a buffer and two offsets. */
  rest: Buffer = NOTHING;
  from = 0;
  to = 0;
  readonly #stash = new HeadBytes();
  #interim = 0;
  readonly #options: HeadReaderOptions;

  constructor(options: HeadReaderOptions) {
    this.#options = options;
  }

  /** Whether any byte has come. */
  get begun(): boolean {
    return this.#stash.length > 0 || this.#interim > 0;
  }

  /** Takes the first `length` of the next bytes, which may be overwritten afterwards. `memo` is that of the backend. */
  read(next: Buffer, length: number, memo: ResponseMemo): RawResponse | 'incomplete' | Objection {
    const { toHead, clusterDomain, maxBytes } = this.#options;
    // Bytes before this one hold no end of a head, but the last three may begin one.
    let searched = Math.max(0, this.#stash.length - 3);
    const isNext = this.#stash.length === 0;
    if (!isNext) this.#stash.add(next, 0, length);
    const bytes = isNext ? next : this.#stash.bytes;
    const to = isNext ? length : bytes.length;
    for (let from = 0; ; searched = from) {
      from = afterLineEnds(bytes, from, to);
      const found = bytes.indexOf(HEAD_END, Math.max(from, searched));
      let end = found < 0 || found + 4 > to ? -1 : found + 4;
      let response: RawResponse | Objection | undefined;
      if (end >= 0 && end - from <= maxBytes)
        response = memo.read(bytes, from, end - 2, toHead, clusterDomain);
      if (!response) {
        end = endOfHead(bytes, Math.max(from, searched), to);
        if ((end < 0 ? to : end) - from > maxBytes) return { objection: tooLarge(maxBytes) };
        if (end < 0) return this.#wait(bytes, from, to);
        response = this.#readOdd(bytes.toString('latin1', from, end));
      }
      if ('objection' in response) return response;
      from = end;
      if (!isInterim(response.status)) {
        this.rest = bytes;
        this.from = from;
        this.to = to;
        return response;
      }
      this.#interim += 1;
      if (this.#interim > BOUNDS.interimResponses) return { objection: tooManyInterim() };
    }
  }

  /** Reads a head that the strict parser does not take. */
  #readOdd(head: string): RawResponse | Objection {
    const { toHead, clusterDomain } = this.#options;
    const plain = plainHead(head);
    if (plain.objection !== undefined) return plain;
    return readResponse(plain.text, toHead, clusterDomain) ?? { objection: 'it cannot be read as HTTP' };
  }

  #wait(bytes: Buffer, from: number, to: number): 'incomplete' | Objection {
    const objection = objectionToStart(bytes, from, to);
    if (objection !== undefined) return { objection };
    if (this.#stash.length > 0) this.#stash.drop(from);
    else this.#stash.add(bytes, from, to);
    return 'incomplete';
  }
}

/** A backend may send a line end after its last body; Node's parser ignores it before a status line, too. */
function afterLineEnds(bytes: Buffer, at: number, to: number): number {
  let from = at;
  while (from < to && (bytes[from] === CR || bytes[from] === LF)) from += 1;
  return from;
}
