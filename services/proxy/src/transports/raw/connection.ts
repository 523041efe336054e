import type { Socket } from 'node:net';
import { mayBecomeHead } from '../../edge/header-lines.ts';
import type { Peer } from '../../edge/request.ts';
import { TIMEOUTS } from '../../timeouts.ts';
import { RawExchange } from './exchange.ts';
import { HeaderMemo } from './header-memo.ts';
import { mayBecomeRequest } from './request-parser.ts';
import type { RawTransport } from './transport.ts';
import type { Upstream } from './upstream.ts';
import { Writer } from './writer.ts';

/** The common part of one connection's requests to one host. */
export interface Origin {
  readonly host: string;
  readonly backendId: string;
  /** Header lines that the proxy adds to each of them. */
  readonly added: string;
}

/** A head in more pieces than this is left to Node's parser. */
const MOST_PIECES = 8;
/** The most bytes of pipelined requests that are read ahead. Reading ahead is how a client that leaves is noticed. */
const MOST_AHEAD = 16_384;
const HEAD_END = Buffer.from('\r\n\r\n');
const TOO_LATE = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n';
const BODY_TIMEOUT = { outcome: 'refused', status: 408, body: '' };

type State = 'new' | 'idle' | 'head' | 'exchange' | 'ending' | 'gone';

/**
 * A client's connection: one request after the other. The first one that the raw transport does not serve is handed over
 * unread, with the connection, to Node's servers, which keep it.
 */
export class RawConnection implements Peer {
  readonly connection: Socket;
  readonly tls: boolean;
  readonly writer: Writer;
  /** The origin of the last request. */
  origin: Origin | undefined;
  readonly #owner: RawTransport;
  /** From the first request on, because many connections never have one. */
  #requests: HeaderMemo | undefined;
  readonly #handOver: (socket: Socket) => void;
  #state: State = 'new';
  /** Clock time at which the state began, or the last byte of a body came. */
  #since: number;
  /** An incomplete head, or bytes of the next request. */
  #kept: Buffer | undefined;
  #pieces = 0;
  #exchange: RawExchange | undefined;
  #remoteAddress: string | undefined;
  #trusted: boolean | undefined;

  constructor(owner: RawTransport, socket: Socket, tls: boolean, handOver: (socket: Socket) => void) {
    this.#owner = owner;
    this.connection = socket;
    this.tls = tls;
    this.#handOver = handOver;
    this.writer = new Writer(socket, tls);
    this.#since = owner.parts.clock.now();
    socket.on('data', this.#data).on('end', this.#ended).on('close', this.#closed).on('error', ignore);
  }

  /** Asked of the kernel with the first request, too. */
  get remoteAddress(): string {
    this.#remoteAddress ??= this.connection.remoteAddress ?? '';
    return this.#remoteAddress;
  }

  get trusted(): boolean {
    this.#trusted ??= this.#owner.options.trust.includes(this.remoteAddress);
    return this.#trusted;
  }

  /** Ends the connection if it has no request. */
  endIdle(): void {
    if (this.#state === 'new' || this.#state === 'idle') this.#finish('');
  }

  /** Ends what has lasted too long at this clock time. */
  sweep(now: number): void {
    const lasted = now - this.#since;
    if (this.#state === 'ending' && lasted > TIMEOUTS.clientLinger) this.connection.destroy();
    else if (this.#state === 'idle' && lasted > TIMEOUTS.clientIdle) this.#finish('');
    else if ((this.#state === 'new' || this.#state === 'head') && lasted > this.#owner.options.headTimeoutMs)
      this.#finish(TOO_LATE);
    else if (this.#exchange?.uploading) this.#sweepBody(now, lasted, this.#exchange);
  }

  /** A body that is not read because the backend is slow does not count as paused. */
  #sweepBody(now: number, lasted: number, exchange: RawExchange): void {
    if (this.connection.isPaused()) this.#since = now;
    else if (lasted > this.#owner.options.bodyTimeoutMs) {
      this.#exchange = undefined;
      if (!exchange.responding) exchange.request.access?.refused(BODY_TIMEOUT);
      exchange.abandon();
      if (exchange.responding) this.cut(true);
      else this.#finish(TOO_LATE);
    }
  }

  resume(): void {
    if ((this.#kept?.length ?? 0) <= MOST_AHEAD) this.connection.resume();
  }

  /** The last byte of the response has been written. `keep`: the connection can carry another request. */
  over(keep: boolean): void {
    this.#exchange = undefined;
    if (!keep || this.connection.readableEnded) {
      this.#finish('');
      return;
    }
    this.#state = 'idle';
    this.#since = this.#owner.parts.clock.now();
    const next = this.#kept;
    if (this.connection.isPaused()) this.connection.resume();
    if (!next) return;
    this.#kept = undefined;
    this.#read(next);
  }

  /** The response cannot be completed. `reset`: a plain close would look like its end. */
  cut(reset: boolean): void {
    this.#exchange = undefined;
    // TLS itself tells a cut from an end.
    if (reset && !this.tls) this.connection.resetAndDestroy();
    else this.connection.destroy();
  }

  /** Both sides speak WebSocket from now on; `rest` is what the backend has sent of it. */
  switched(exchange: RawExchange, head: string, upstream: Upstream, rest: Buffer): void {
    const early = this.#kept;
    this.#leave();
    this.writer.send(head);
    this.#owner.joined(exchange, this, upstream, rest);
    if (early) this.connection.unshift(early);
    this.connection.resume();
  }

  readonly #data = (chunk: Buffer): void => {
    try {
      if (this.#state === 'exchange') this.#during(chunk);
      else if (this.#state !== 'ending') this.#read(this.#kept ? Buffer.concat([this.#kept, chunk]) : chunk);
    } catch (error) {
      this.#owner.parts.log.error({ error }, 'a connection failed');
      this.connection.destroy();
    }
  };

  /** A client that ends its half is taken to have left, as Node's servers do. */
  readonly #ended = (): void => {
    const exchange = this.#exchange;
    if (exchange && exchange.phase !== 'complete') {
      exchange.abandon();
      this.connection.destroy();
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
    if (!exchange || (exchange.phase === 'complete' && exchange.uploading)) return;
    this.#since = this.#owner.parts.clock.now();
    const taken = exchange.uploading ? exchange.upload(chunk) : 0;
    if (taken < chunk.length) this.#keep(chunk.subarray(taken));
  }

  /** Keeps bytes for the next request. */
  #keep(bytes: Buffer): void {
    this.#kept = this.#kept ? Buffer.concat([this.#kept, bytes]) : bytes;
    if (this.#kept.length > MOST_AHEAD) this.connection.pause();
  }

  #read(bytes: Buffer): void {
    this.#kept = undefined;
    const end = bytes.indexOf(HEAD_END);
    if (end < 0) {
      this.#wait(bytes);
      return;
    }
    const isLong = end > this.#owner.options.maxHeaderBytes;
    this.#requests ??= new HeaderMemo(this);
    const request = isLong ? undefined : this.#requests.read(bytes, end + 2);
    // Bytes behind a handshake came before the backend has agreed.
    const isEarly = request?.upgrade && bytes.length > end + 4;
    const decision = request && !isEarly ? this.#owner.decide(request, this) : undefined;
    if (!request || !decision) {
      this.#giveUp(bytes);
      return;
    }
    this.#state = 'exchange';
    this.#since = this.#owner.parts.clock.now();
    this.#pieces = 0;
    this.#exchange = new RawExchange(this.#owner, this, request, decision);
    const used = this.#exchange.begin(bytes, end + 4);
    if (used < bytes.length) this.#keep(bytes.subarray(used));
  }

  /** Waits for the rest of a head that may still be one for the raw transport. */
  #wait(bytes: Buffer): void {
    if (this.#state === 'idle') this.#since = this.#owner.parts.clock.now();
    this.#pieces += 1;
    const text = bytes.length > this.#owner.options.maxHeaderBytes ? '\n' : bytes.toString('latin1');
    if (this.#pieces > MOST_PIECES || !mayBecomeHead(text) || !mayBecomeRequest(text)) {
      this.#giveUp(bytes);
      return;
    }
    if (this.#state === 'idle') this.#state = 'head';
    this.#kept = bytes;
  }

  /** Leaves the connection to Node's servers, with what has come. */
  #giveUp(bytes: Buffer): void {
    this.#leave();
    this.connection.unshift(bytes);
    this.#handOver(this.connection);
  }

  #leave(): void {
    this.#state = 'gone';
    this.#exchange = undefined;
    this.#kept = undefined;
    this.connection.off('data', this.#data).off('end', this.#ended).off('close', this.#closed);
    this.#owner.left(this);
  }

  /** Ends our side after these bytes; what still comes is dropped. */
  #finish(last: string): void {
    this.#state = 'ending';
    this.#since = this.#owner.parts.clock.now();
    this.#kept = undefined;
    if (this.connection.isPaused()) this.connection.resume();
    if (last === '') this.connection.end();
    else this.connection.end(last, 'latin1');
  }
}

function ignore(): void {}
