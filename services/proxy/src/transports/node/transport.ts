import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import type { Log } from '@spawner/service';
import type { AccessLog } from '../../access-log/access-log.ts';
import type { EdgePolicy } from '../../edge/policy.ts';
import { REPLIES, type Reply } from '../../edge/replies.ts';
import type { Forward } from '../../edge/request.ts';
import type { Sessions } from '../../routing/sessions.ts';
import type { TokenSessions } from '../../tokens/token-sessions.ts';
import type { Dialling } from '../dialling.ts';
import type { TransportOptions } from '../options.ts';
import { type ExchangeClient, type ExchangeParts, NodeExchange } from './exchange.ts';
import { openExtended } from './extended-connect.ts';
import type { HttpxyAdapter } from './httpxy-adapter.ts';
import {
  cutExchange,
  endWithResponse,
  lifeOf,
  type WebRequest,
  type WebResponse,
  wantsClose,
  watchClose,
  watchSilence,
} from './node-http.ts';
import { replyToHandshake, writeReply } from './reply.ts';
import { NodeRequest, type RequestKind } from './request-parser.ts';
import { type ClientEnd, NodeTunnel } from './tunnel.ts';
import type { NodeUpstreamPool } from './upstream-pool.ts';

export interface NodeTransportParts extends ExchangeParts {
  policy: Pick<EdgePolicy, 'decide'> & ExchangeParts['policy'];
  tokens: Pick<TokenSessions, 'keep'>;
  httpxy: HttpxyAdapter;
  upstreams: Pick<NodeUpstreamPool, 'once'>;
  dialling: Dialling;
  sessions: Pick<Sessions, 'add' | 'draining'>;
  /** Undefined if it is off. */
  accessLog: AccessLog | undefined;
  log: Log;
}

/** The client's side of a request, in which the kinds of requests differ. */
interface ClientSide {
  /** Closes when the client's side is over. */
  readonly life: ServerResponse | ClientEnd;
  /** The client's end of a tunnel, for handshakes. */
  readonly tunnelEnd?: ClientEnd;
  /** Whether the response was sent to its end, for other requests. */
  sentWhole?(): boolean;
  /** Calls back if the client leaves before the decision. Returns a function that stops the watch. By default, of `life`. */
  watch?(left: () => void): () => void;
  reply(reply: Reply): void;
  /** Ends the request now. */
  cut(): void;
  /** Whether the client's connection ends with the response. */
  closing(): boolean;
}

/** A single error for all, because its stack says nothing and costs time. */
const LEFT = new Error('the client left');

/** HTTP/1.1, HTTP/2 and WebSockets on Node's servers: every request that the raw transport does not serve. */
export class NodeTransport {
  readonly #parts: NodeTransportParts;
  readonly #options: TransportOptions;

  constructor(parts: NodeTransportParts, options: TransportOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  async request(req: WebRequest, res: WebResponse, expectsContinue: boolean): Promise<void> {
    const { httpxy, sessions } = this.#parts;
    req.on('error', ignore);
    res.on('error', ignore);
    endWithResponse(res);
    const exchange = await this.#withRequest(req, 'request', {
      life: lifeOf(res),
      reply: (reply) => writeReply(res, reply, sessions.draining || reply.closes === true),
      // HTTP/2 reports `finished` for streams of clients that have left, too.
      sentWhole: () => res.writableEnded && res.writableFinished,
      cut: () => cutExchange(res),
      closing: () => sessions.draining || wantsClose(res),
    });
    if (!exchange) return;
    if (exchange.request.hasBody)
      watchSilence(req, this.#options.bodyTimeoutMs, () => {
        if (res.headersSent) cutExchange(req);
        else exchange.reply(REPLIES.bodyTimeout());
      });
    if (expectsContinue) res.writeContinue();
    httpxy.request(req, res, exchange);
  }

  async upgrade(req: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    socket.on('error', ignore);
    const exchange = await this.#withRequest(req, 'upgrade', {
      life: socket,
      tunnelEnd: socket,
      watch: (left) => watchClose(socket, left),
      reply: (reply) => replyToHandshake(socket, reply),
      cut: () => void socket.destroy(),
      closing: () => true,
    });
    if (exchange) this.#parts.httpxy.upgrade(req, socket, head, exchange);
  }

  /** CONNECT over HTTP/2, plain or extended (RFC 8441). */
  async connect(req: Http2ServerRequest, res: Http2ServerResponse): Promise<void> {
    const { stream } = res;
    req.on('error', ignore);
    res.on('error', ignore);
    const exchange = await this.#withRequest(req, 'connect', {
      life: stream,
      tunnelEnd: stream,
      reply: (reply) => writeReply(res, reply, false),
      cut: () => void stream.destroy(),
      closing: () => false,
    });
    if (exchange) openExtended(stream, exchange, this.#parts.dialling, this.#parts.upstreams.once);
  }

  /** A handler threw; its connection is cut. */
  failed(error: unknown): void {
    this.#parts.log.error({ error }, 'a request failed');
  }

  /** Reads and decides one request, and answers it unless it is forwarded. Returns the exchange of one that is. */
  async #withRequest(
    req: WebRequest,
    kind: RequestKind,
    side: ClientSide,
  ): Promise<NodeExchange | undefined> {
    const { policy, metrics } = this.#parts;
    const request = new NodeRequest(req, kind, this.#options);
    const access = this.#parts.accessLog?.begin('general', request);
    const { life, sentWhole } = side;
    if (sentWhole) life.once('close', () => access?.end(sentWhole()));
    const gone = new AbortController();
    const left = () => gone.abort(LEFT);
    const stopWatching = side.watch ? side.watch(left) : watchLife(life, left);
    const reply = (own: Reply) => {
      metrics.request(own.outcome, own.status);
      access?.refused(own);
      side.reply(own);
      if (side.tunnelEnd) access?.end();
    };
    const decision = await policy.decide(request, gone.signal);
    stopWatching();
    access?.waited();
    if (gone.signal.aborted) {
      if (decision.kind === 'forward') decision.active.neverReached();
      if (side.tunnelEnd) access?.end();
      side.cut();
      return undefined;
    }
    if (decision.kind === 'reply') {
      reply(decision.reply);
      return undefined;
    }
    return this.#exchange(request, decision, side, { access, reply });
  }

  /** An exchange lasts as long as the client's side; that of a WebSocket, to the later of the two closes. */
  #exchange(
    request: NodeRequest,
    decision: Forward,
    side: ClientSide,
    { access, reply }: Pick<ExchangeClient, 'access' | 'reply'>,
  ): NodeExchange {
    const { tokens, sessions } = this.#parts;
    const { life, tunnelEnd } = side;
    let { cut } = side;
    const upgraded = (upstream: Socket) => {
      if (!tunnelEnd) return;
      life.off('close', over);
      const tunnel = new NodeTunnel(tunnelEnd, upstream);
      access?.uses(upstream);
      cut = () => tunnel.cut();
      void tunnel.closed.then(over);
      sessions.add(request.backendId ?? '', tunnel);
    };
    const client = { access, reply, closing: side.closing, upgraded };
    const exchange = new NodeExchange(this.#parts, client, request, decision);
    const over = () => exchange.over();
    const revoked = () => {
      access?.revoked();
      cut();
    };
    if (decision.holder) life.once('close', tokens.keep(decision.holder, revoked));
    life.once('close', over);
    return exchange;
  }
}

function watchLife(life: ClientSide['life'], left: () => void): () => void {
  life.once('close', left);
  return () => life.off('close', left);
}

function ignore(): void {}
