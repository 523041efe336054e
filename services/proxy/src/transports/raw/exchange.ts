import type { Clock } from '@spawner/domain';
import type { Endpoint } from '@spawner/proto/internal/backend_status';
import type { AccessEntry } from '../../access-log/access-entry.ts';
import type { Exchange } from '../../routing/active-requests.ts';
import { KEEP_ALIVE, TIMEOUTS } from '../../timeouts.ts';
import { isRepeatable } from '../node/request-parser.ts';
import { dateLine } from './date-line.ts';
import type { StrictRequest } from './request-parser.ts';
import { AnswerBody } from './response-body.ts';
import { AnswerHead } from './response-head.ts';
import type { StrictResponse } from './response-parser.ts';
import type { Upstream, UpstreamUser } from './upstream.ts';
import type { KeptUpstreams } from './upstream-pool.ts';
import type { ClientWriter } from './writer.ts';

/**
 * One request's way to its backend and its answer's way back: the body is counted, the answer is framed as strictly
 * as the request was, and what is not understood becomes 502, or a cut where its head has gone out.
 */
export interface ExchangeParts {
  upstreams: KeptUpstreams;
  clock: Clock;
  clusterDomain: string;
  draining(): boolean;
  /** The backend answered with this status. */
  answered(status: number, upgrade: boolean): void;
}

/** The client's connection as its exchange sees it. */
export interface ExchangeClient {
  readonly writer: ClientWriter;
  pause(): void;
  resume(): void;
  /** The last byte of the answer has gone out. */
  over(keep: boolean): void;
  /** The backend failed before anything was answered; returns what the client is told instead. */
  failed(keep: boolean, reached: boolean): string;
  /** The answer cannot be brought to its end; `reset` where a plain close would look like it. */
  cut(reset: boolean): void;
  /** Both speak WebSocket from here on; the rest of these bytes comes after the head. */
  switched(head: string, upstream: Upstream, bytes: Buffer, from: number, to: number): void;
}

export interface Passing {
  request: StrictRequest;
  id: string;
  droneId: string;
  endpoint: Endpoint;
  exchange: Exchange;
  path: string;
  /** What the proxy adds to the request's header lines. */
  added: string;
  /** Where there is an access log. */
  access: AccessEntry | undefined;
}

const SHORT_BYTES = 8_192;
const NOTHING = Buffer.alloc(0);
const SWITCH = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
const KEEP = `Connection: keep-alive\r\nKeep-Alive: ${KEEP_ALIVE}\r\n\r\n`;
const CLOSE = 'Connection: close\r\n\r\n';

export class FastExchange implements UpstreamUser {
  readonly #parts: ExchangeParts;
  readonly #client: ExchangeClient;
  readonly #passing: Passing;
  readonly #head: string;
  #upstream: Upstream | undefined;
  #uploadLeft: number;
  readonly #answerHead: AnswerHead;
  #body: AnswerBody | undefined;
  /** The backend can take another request after this answer. */
  #reusable = true;
  #keptMs = 0;
  /** The client's connection can. */
  #keep = true;
  #reached = false;
  #repeated = false;
  #over = false;
  #full = false;
  #late: NodeJS.Timeout | undefined;

  constructor(parts: ExchangeParts, client: ExchangeClient, passing: Passing) {
    this.#parts = parts;
    this.#client = client;
    this.#passing = passing;
    const { request, added } = passing;
    this.#uploadLeft = request.length;
    this.#answerHead = new AnswerHead(request.method === 'HEAD', parts.clusterDomain);
    this.#head = `${request.lines}${request.upgrade ? SWITCH : ''}${added}\r\n`;
  }

  /** Sends the head with what has come of the body; returns the offset behind it. */
  begin(bytes: Buffer, from: number): number {
    const { request, id, endpoint } = this.#passing;
    const { upstreams } = this.#parts;
    const to = Math.min(bytes.length, from + request.length);
    this.#uploadLeft -= to - from;
    const upstream = request.upgrade
      ? upstreams.open(id, endpoint, this)
      : upstreams.acquire(id, endpoint, this);
    this.#upstream = upstream;
    this.#passing.access?.uses(upstream.socket);
    if (upstream.reused) this.taken();
    if (request.upgrade) this.#late = setTimeout(() => upstream.destroy(), TIMEOUTS.handshakeAnswer);
    if (!this.#send(upstream, bytes, from, to) && this.uploading) this.#client.pause();
    return to;
  }

  /** The next bytes from the client; returns how many of them belong to the body. */
  upload(chunk: Buffer): number {
    const taken = Math.min(chunk.length, this.#uploadLeft);
    this.#uploadLeft -= taken;
    const part = taken === chunk.length ? chunk : chunk.subarray(0, taken);
    if (!this.#upstream?.socket.write(part) && this.uploading) this.#client.pause();
    return taken;
  }

  get uploading(): boolean {
    return this.#uploadLeft > 0;
  }

  /** Something of an answer has gone out. */
  get begun(): boolean {
    return this.#body !== undefined;
  }

  /** The answer is complete and only waits to go out. */
  get answered(): boolean {
    return this.#body?.done === true;
  }

  /** Nobody waits for the answer any more. */
  abandon(): void {
    if (this.#over) return;
    this.#upstream?.drop();
    this.#end(false);
  }

  taken(): void {
    this.#reached = true;
    this.#passing.exchange.reached(this.#passing.request.upgrade, this.#passing.path);
  }

  drained(): void {
    this.#client.resume();
  }

  bytes(bytes: Buffer, length: number): void {
    if (this.#body) this.#pass(this.#body, bytes, 0, length);
    else this.#readHead(bytes, length);
  }

  ended(): void {
    if (!this.#body?.endsWithConnection) this.#upstream?.destroy();
    else this.#complete('', NOTHING, 0, 0);
  }

  lost(): void {
    const { request, id, endpoint } = this.#passing;
    const unanswered = !this.#body && !this.#answerHead.begun;
    const repeatable = request.length === 0 && isRepeatable(request.method) && !request.upgrade;
    if (unanswered && repeatable && this.#upstream?.reused && !this.#repeated) {
      this.#repeated = true;
      this.#upstream = this.#parts.upstreams.open(id, endpoint, this);
      this.#passing.access?.uses(this.#upstream.socket);
      this.#send(this.#upstream, NOTHING, 0, 0);
    } else this.#fail();
  }

  #send({ socket }: Upstream, bytes: Buffer, from: number, to: number): boolean {
    if (to === from) return socket.write(this.#head, 'latin1');
    if (to - from <= SHORT_BYTES)
      return socket.write(this.#head + bytes.toString('latin1', from, to), 'latin1');
    socket.cork();
    socket.write(this.#head, 'latin1');
    const room = socket.write(bytes.subarray(from, to));
    socket.uncork();
    return room;
  }

  #readHead(bytes: Buffer, length: number): void {
    const head = this.#answerHead;
    const answer = head.read(bytes, length);
    if (answer === 'more') return;
    if (answer === 'strange') this.#fail();
    else if (answer.status === 101) this.#switch(answer, head.rest, head.from, head.to);
    else this.#answer(answer, head.rest, head.from, head.to);
  }

  #switch(answer: StrictResponse, bytes: Buffer, from: number, to: number): void {
    const { request } = this.#passing;
    const upstream = this.#upstream;
    if (!request.upgrade || !answer.upgrade || !upstream) {
      this.#fail();
      return;
    }
    clearTimeout(this.#late);
    this.#over = true;
    this.#parts.answered(101, true);
    this.#passing.access?.answered(101, true);
    this.#client.switched(`${answer.lines}${SWITCH}\r\n`, upstream, bytes, from, to);
  }

  #answer(answer: StrictResponse, bytes: Buffer, from: number, to: number): void {
    const { request } = this.#passing;
    clearTimeout(this.#late);
    const body = new AnswerBody(answer);
    const passes = body.done ? from : body.take(bytes, from, to);
    if (body.bad) {
      this.#fail();
      return;
    }
    this.#body = body;
    this.#reusable = !answer.close && !request.upgrade;
    this.#keptMs = answer.keptMs;
    this.#keep = this.#mayKeep() && answer.body !== 'close';
    this.#parts.answered(answer.status, request.upgrade);
    this.#passing.access?.answered(answer.status, false);
    const date = answer.dated ? '' : dateLine(this.#parts.clock.wall());
    this.#give(body, `${answer.lines}${date}${this.#keep ? KEEP : CLOSE}`, bytes, from, passes, to);
  }

  #pass(body: AnswerBody, bytes: Buffer, from: number, to: number): void {
    const passes = body.done ? from : body.take(bytes, from, to);
    if (body.bad) this.#fail();
    else this.#give(body, '', bytes, from, passes, to);
  }

  /** The client gets what `passes`; what the backend said ends at `to`. */
  #give(body: AnswerBody, head: string, bytes: Buffer, from: number, passes: number, to: number): void {
    const { writer } = this.#client;
    if (body.done) {
      if (body.end < to && to > from) this.#reusable = false;
      this.#complete(head, bytes, from, passes);
    } else {
      writer.send(head, bytes, from, passes);
      if (!this.#full && writer.isFull) this.#hold();
    }
  }

  /** No more is read for a client that does not take it. */
  #hold(): void {
    const upstream = this.#upstream;
    this.#full = true;
    upstream?.socket.pause();
    this.#client.writer.whenEmpty(() => {
      this.#full = false;
      upstream?.socket.resume();
    });
  }

  #complete(head: string, bytes: Buffer, from: number, to: number): void {
    const { writer } = this.#client;
    const body = this.#body;
    const upstream = this.#upstream;
    this.#upstream = undefined;
    this.#passing.access?.leaves();
    if (body) body.done = true;
    if (upstream && this.#reusable && !this.uploading && !this.#full) {
      this.#parts.upstreams.release(this.#passing.id, upstream, this.#keptMs);
    } else upstream?.drop();
    const gone = () => {
      if (this.#over) return;
      this.#end();
      this.#client.over(this.#keep && !this.uploading);
    };
    if (!body?.owesEnd) writer.sendLast(head, bytes, from, to, gone);
    else {
      writer.send(head, bytes, from, to);
      writer.sendLast('\r\n', NOTHING, 0, 0, gone);
    }
  }

  #fail(): void {
    this.#upstream?.drop();
    this.#upstream = undefined;
    if (this.#body) {
      this.#passing.access?.broke();
      this.#end();
      this.#client.cut(this.#body.endsWithConnection);
      return;
    }
    this.#keep = this.#mayKeep() && !this.uploading;
    this.#body = new AnswerBody({ body: 'none', length: 0 });
    this.#complete(this.#client.failed(this.#keep, this.#reached), NOTHING, 0, 0);
  }

  #mayKeep(): boolean {
    const { request } = this.#passing;
    return !request.close && !request.upgrade && !this.#parts.draining();
  }

  /** It is over for the backend's idle clock too. */
  #end(whole = true): void {
    clearTimeout(this.#late);
    this.#over = true;
    const { exchange } = this.#passing;
    if (this.#reached) exchange.end(this.#parts.clock.now());
    else exchange.neverReached();
    this.#passing.access?.end(whole);
  }
}
