import type { Socket } from 'node:net';
import { mayBecomeHead } from '../../edge/header-lines.ts';
import { TIMEOUTS } from '../../timeouts.ts';
import { type ExchangeClient, type ExchangeParts, FastExchange, type Passing } from './exchange.ts';
import { mayBecomeRequest, readRequest, type StrictRequest } from './request-parser.ts';
import type { Upstream } from './upstream.ts';
import { ClientWriter } from './writer.ts';

/**
 * A client's connection on the fast path: one request after the other, each handed whole and unread to the general path
 * where it is not for this one. After that the connection is the general path's for good.
 */
export interface ConnectionOwner {
  trusts(address: string): boolean;
  readonly exchangeParts: ExchangeParts;
  readonly maxHeaderBytes: number;
  /** How long a head may take. */
  readonly headTimeoutMs: number;
  /** How long a body may be silent. */
  readonly bodyTimeoutMs: number;
  now(): number;
  /** Where the request goes, counted as open from now on; nothing where the general path has to answer. */
  admit(request: StrictRequest, path: () => string, connection: ClientConnection): Passing | undefined;
  /** This request's backend failed; returns what the client is told, as bytes of one character each. */
  failed(passing: Passing | undefined, head: string, keep: boolean, reached: boolean): string;
  /** Both speak WebSocket from now on; the backend has said this already. */
  joined(passing: Passing, client: ClientConnection, upstream: Upstream, said: Buffer): void;
  left(connection: ClientConnection): void;
  /** This connection's code threw, which it should not; it is cut. */
  threw(error: unknown): void;
}

/** What one connection's requests to one host have in common. */
export interface Origin {
  readonly host: string;
  readonly id: string;
  /** What the proxy adds to each of them. */
  readonly added: string;
}

/** A head in more pieces than this is left to the general path. */
const MOST_PIECES = 8;
/** More than this of what follows a request is not read before its turn; what is, tells of a client that leaves. */
const MOST_AHEAD = 16_384;
const HEAD_END = Buffer.from('\r\n\r\n');
const TOO_LATE = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n';
const BODY_TIMEOUT = { outcome: 'refused', status: 408, body: '' };

type State = 'new' | 'idle' | 'head' | 'exchange' | 'ending' | 'gone';

export class ClientConnection implements ExchangeClient {
  readonly socket: Socket;
  readonly secure: boolean;
  readonly writer: ClientWriter;
  /** Of the last request. */
  origin: Origin | undefined;
  readonly #owner: ConnectionOwner;
  readonly #general: (socket: Socket) => void;
  #state: State = 'new';
  #since: number;
  /** What has come and is not a whole head, or belongs to the next request. */
  #kept: Buffer | undefined;
  #pieces = 0;
  #exchange: FastExchange | undefined;
  #passing: Passing | undefined;
  /** Of the request under way, for what a failure is answered with. */
  #head = '';
  #remoteAddress: string | undefined;
  #trusted: boolean | undefined;

  constructor(owner: ConnectionOwner, socket: Socket, secure: boolean, general: (socket: Socket) => void) {
    this.#owner = owner;
    this.socket = socket;
    this.secure = secure;
    this.#general = general;
    this.writer = new ClientWriter(socket, secure);
    this.#since = owner.now();
    socket.on('data', this.#data).on('end', this.#ended).on('close', this.#closed).on('error', ignore);
  }

  /** Asked of the kernel with the first request: many a connection never has one. */
  get remoteAddress(): string {
    this.#remoteAddress ??= this.socket.remoteAddress ?? '';
    return this.#remoteAddress;
  }

  /** Its address may speak for others. */
  get trusted(): boolean {
    this.#trusted ??= this.#owner.trusts(this.remoteAddress);
    return this.#trusted;
  }

  /** Ends it if no request is under way. */
  endIdle(): void {
    if (this.#state === 'new' || this.#state === 'idle') this.#finish('');
  }

  /** Ends what has waited for too long, at this clock time. */
  sweep(now: number): void {
    const waited = now - this.#since;
    if (this.#state === 'ending' && waited > TIMEOUTS.clientLinger) this.socket.destroy();
    else if (this.#state === 'idle' && waited > TIMEOUTS.clientIdle) this.#finish('');
    else if ((this.#state === 'new' || this.#state === 'head') && waited > this.#owner.headTimeoutMs)
      this.#finish(TOO_LATE);
    else if (this.#exchange?.uploading) this.#sweepBody(now, waited, this.#exchange);
  }

  /** A body that we do not read is not silent. */
  #sweepBody(now: number, waited: number, exchange: FastExchange): void {
    if (this.socket.isPaused()) this.#since = now;
    else if (waited > this.#owner.bodyTimeoutMs) {
      this.#exchange = undefined;
      if (!exchange.begun) this.#passing?.access?.refused(BODY_TIMEOUT);
      exchange.abandon();
      if (exchange.begun) this.cut(true);
      else this.#finish(TOO_LATE);
    }
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    if ((this.#kept?.length ?? 0) <= MOST_AHEAD) this.socket.resume();
  }

  over(keep: boolean): void {
    this.#exchange = undefined;
    this.#passing = undefined;
    if (!keep || this.socket.readableEnded) {
      this.#finish('');
      return;
    }
    this.#state = 'idle';
    this.#since = this.#owner.now();
    const next = this.#kept;
    if (this.socket.isPaused()) this.socket.resume();
    if (!next) return;
    this.#kept = undefined;
    this.#read(next);
  }

  failed(keep: boolean, reached: boolean): string {
    return this.#owner.failed(this.#passing, this.#head, keep, reached);
  }

  cut(reset: boolean): void {
    this.#exchange = undefined;
    // TLS tells a cut from an end by itself.
    if (reset && !this.secure) this.socket.resetAndDestroy();
    else this.socket.destroy();
  }

  switched(head: string, upstream: Upstream, bytes: Buffer, from: number, to: number): void {
    const passing = this.#passing;
    if (!passing) return;
    const early = this.#kept;
    this.#leave();
    this.writer.send(head);
    this.#owner.joined(passing, this, upstream, bytes.subarray(from, to));
    if (early) this.socket.unshift(early);
    this.socket.resume();
  }

  readonly #data = (chunk: Buffer): void => {
    try {
      if (this.#state === 'exchange') this.#during(chunk);
      else if (this.#state !== 'ending') this.#read(this.#kept ? Buffer.concat([this.#kept, chunk]) : chunk);
    } catch (error) {
      this.#owner.threw(error);
      this.socket.destroy();
    }
  };

  /** Like the general path, takes a client that ends its half for one that has left. */
  readonly #ended = (): void => {
    const exchange = this.#exchange;
    if (exchange && !exchange.answered) {
      exchange.abandon();
      this.socket.destroy();
    } else if (!exchange) this.#finish('');
  };

  readonly #closed = (): void => {
    this.#state = 'gone';
    this.#exchange?.abandon();
    this.#exchange = undefined;
    this.#owner.left(this);
  };

  #during(chunk: Buffer): void {
    const exchange = this.#exchange;
    if (!exchange || (exchange.answered && exchange.uploading)) return;
    this.#since = this.#owner.now();
    const taken = exchange.uploading ? exchange.upload(chunk) : 0;
    if (taken < chunk.length) this.#keep(chunk.subarray(taken));
  }

  /** Until the request that this belongs to has its turn. */
  #keep(bytes: Buffer): void {
    this.#kept = this.#kept ? Buffer.concat([this.#kept, bytes]) : bytes;
    if (this.#kept.length > MOST_AHEAD) this.socket.pause();
  }

  #read(bytes: Buffer): void {
    this.#kept = undefined;
    const end = bytes.indexOf(HEAD_END);
    if (end < 0) {
      this.#wait(bytes);
      return;
    }
    const head = bytes.toString('latin1', 0, end + 2);
    const request = end > this.#owner.maxHeaderBytes ? undefined : readRequest(head, this.trusted);
    const path = () => bytes.toString('latin1', request?.pathFrom, request?.pathTo);
    // Who speaks before the backend has agreed is not understood here.
    const early = request?.upgrade && bytes.length > end + 4;
    const passing = request && !early ? this.#owner.admit(request, path, this) : undefined;
    if (!passing) {
      this.#handOver(bytes);
      return;
    }
    this.#state = 'exchange';
    this.#since = this.#owner.now();
    this.#pieces = 0;
    this.#head = head;
    this.#passing = passing;
    this.#exchange = new FastExchange(this.#owner.exchangeParts, this, passing);
    const used = this.#exchange.begin(bytes, end + 4);
    if (used < bytes.length) this.#keep(bytes.subarray(used));
  }

  /** The head is not whole: waits for the rest if it can still be for the fast path. */
  #wait(bytes: Buffer): void {
    if (this.#state === 'idle') this.#since = this.#owner.now();
    this.#pieces += 1;
    const text = bytes.length > this.#owner.maxHeaderBytes ? '\n' : bytes.toString('latin1');
    if (this.#pieces > MOST_PIECES || !mayBecomeHead(text) || !mayBecomeRequest(text)) {
      this.#handOver(bytes);
      return;
    }
    if (this.#state === 'idle') this.#state = 'head';
    this.#kept = bytes;
  }

  #handOver(bytes: Buffer): void {
    this.#leave();
    this.socket.unshift(bytes);
    this.#general(this.socket);
  }

  /** The connection is somebody else's from now on. */
  #leave(): void {
    this.#state = 'gone';
    this.#exchange = undefined;
    this.#kept = undefined;
    this.socket.off('data', this.#data).off('end', this.#ended).off('close', this.#closed);
    this.#owner.left(this);
  }

  /** Ends our side after these bytes; what still comes is dropped. */
  #finish(last: string): void {
    this.#state = 'ending';
    this.#since = this.#owner.now();
    this.#kept = undefined;
    if (this.socket.isPaused()) this.socket.resume();
    if (last === '') this.socket.end();
    else this.socket.end(last, 'latin1');
  }
}

function ignore(): void {}
