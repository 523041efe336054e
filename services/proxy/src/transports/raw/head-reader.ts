import { CR, LF, mayBecomeHead } from '../../edge/header-lines.ts';
import { isInterim } from '../../edge/response-rules.ts';
import { BOUNDS } from '../../timeouts.ts';
import type { ResponseMemo } from './response-memo.ts';
import type { RawResponse } from './response-parser.ts';

const HEAD_END = Buffer.from('\r\n\r\n');
/** Bytes that begin otherwise never become a response, even if no head ever ends. */
const START = 'HTTP/1.';
const NOTHING = Buffer.alloc(0);

/** Collects the head of a response from the bytes that a backend sends, and skips interim responses. */
export class HeadReader {
  /** The bytes that follow the head, once it is complete: a buffer and two offsets. */
  rest: Buffer = NOTHING;
  from = 0;
  to = 0;
  #stash: Buffer | undefined;
  #interim = 0;
  readonly #toHead: boolean;
  readonly #clusterDomain: string;

  /** `toHead`: the request is a HEAD. */
  constructor(toHead: boolean, clusterDomain: string) {
    this.#toHead = toHead;
    this.#clusterDomain = clusterDomain;
  }

  /** Whether any byte has come. */
  get begun(): boolean {
    return this.#stash !== undefined || this.#interim > 0;
  }

  /** Takes the first `length` of the next bytes, which may be overwritten afterwards. `memo` is that of the backend. */
  read(next: Buffer, length: number, memo: ResponseMemo): RawResponse | 'incomplete' | 'invalid' {
    const bytes = this.#stash ? Buffer.concat([this.#stash, next.subarray(0, length)]) : next;
    const to = this.#stash ? bytes.length : length;
    this.#stash = undefined;
    for (let from = 0; ; ) {
      from = afterLineEnds(bytes, from, to);
      const end = bytes.indexOf(HEAD_END, from);
      const isWhole = end >= 0 && end + 4 <= to;
      if ((isWhole ? end : to) - from > BOUNDS.responseHeadBytes) return 'invalid';
      if (!isWhole) {
        const text = bytes.toString('latin1', from, to);
        if (!START.startsWith(text.slice(0, START.length)) || !mayBecomeHead(text)) return 'invalid';
        this.#stash = to > from ? Buffer.from(bytes.subarray(from, to)) : undefined;
        return 'incomplete';
      }
      const response = memo.read(bytes, from, end + 2, this.#toHead, this.#clusterDomain);
      if (!response) return 'invalid';
      from = end + 4;
      if (!isInterim(response.status)) {
        this.rest = bytes;
        this.from = from;
        this.to = to;
        return response;
      }
      this.#interim += 1;
      if (this.#interim > BOUNDS.interimResponses) return 'invalid';
    }
  }
}

/** A backend may send a line end after its last body; Node's parser ignores it before a status line, too. */
function afterLineEnds(bytes: Buffer, at: number, to: number): number {
  let from = at;
  while (from < to && (bytes[from] === CR || bytes[from] === LF)) from += 1;
  return from;
}
