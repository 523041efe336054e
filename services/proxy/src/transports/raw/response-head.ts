import { CR, LF, mayBecomeHead } from '../../edge/header-lines.ts';
import { BOUNDS } from '../../timeouts.ts';
import { readResponse, type StrictResponse } from './response-parser.ts';

const HEAD_END = Buffer.from('\r\n\r\n');
/** What says something else will not become an answer, though no head may ever end. */
const START = 'HTTP/1.';
const NOTHING = Buffer.alloc(0);

/** Collects an answer's head from the bytes that a backend sends. */
export class AnswerHead {
  /** Where the bytes that follow the head begin and end, once it is whole. */
  rest: Buffer = NOTHING;
  from = 0;
  to = 0;
  #stash: Buffer | undefined;
  #interim = 0;
  readonly #bodiless: boolean;
  readonly #clusterDomain: string;

  /** `bodiless` for the answer to a HEAD. */
  constructor(bodiless: boolean, clusterDomain: string) {
    this.#bodiless = bodiless;
    this.#clusterDomain = clusterDomain;
  }

  /** Whether anything has come. */
  get begun(): boolean {
    return this.#stash !== undefined || this.#interim > 0;
  }

  /** Takes the first `length` of the next bytes, which may be overwritten afterwards. */
  read(next: Buffer, length: number): StrictResponse | 'more' | 'strange' {
    const bytes = this.#stash ? Buffer.concat([this.#stash, next.subarray(0, length)]) : next;
    const to = this.#stash ? bytes.length : length;
    this.#stash = undefined;
    for (let from = 0; ; ) {
      from = afterLineEnds(bytes, from, to);
      const end = bytes.indexOf(HEAD_END, from);
      const whole = end >= 0 && end + 4 <= to;
      if ((whole ? end : to) - from > BOUNDS.responseHeadBytes) return 'strange';
      if (!whole) {
        const text = bytes.toString('latin1', from, to);
        if (!START.startsWith(text.slice(0, START.length)) || !mayBecomeHead(text)) return 'strange';
        this.#stash = to > from ? Buffer.from(bytes.subarray(from, to)) : undefined;
        return 'more';
      }
      const answer = readResponse(
        bytes.toString('latin1', from, end + 2),
        this.#bodiless,
        this.#clusterDomain,
      );
      if (!answer) return 'strange';
      from = end + 4;
      if (answer.status === 101 || answer.status >= 200) {
        this.rest = bytes;
        this.from = from;
        this.to = to;
        return answer;
      }
      this.#interim += 1;
      if (this.#interim > BOUNDS.interimResponses) return 'strange';
    }
  }
}

/** A backend may send a line end after its last body; Node's parser ignores it before a status line as well. */
function afterLineEnds(bytes: Buffer, at: number, to: number): number {
  let from = at;
  while (from < to && (bytes[from] === CR || bytes[from] === LF)) from += 1;
  return from;
}
