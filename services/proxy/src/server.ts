import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock } from '@spawner/domain';
import type { Log } from '@spawner/service';
import type { Activity } from './activity.ts';
import type { Visitor } from './admission.ts';
import { ANSWERS, type Answer, answerTo, redirectToHttps } from './answer.ts';
import type { Door } from './door.ts';
import { protocolOf } from './extended-connect.ts';
import type { Forwarder, Forwarding, UpgradeForwarding } from './forward.ts';
import type { Passage } from './gate.ts';
import { requestHeaders, responseHeaders } from './headers.ts';
import type { Limits } from './limits.ts';
import type { Handlers } from './listeners.ts';
import type { Metrics } from './metrics.ts';
import {
  connectionOf,
  cutExchange,
  extendedHead,
  headBytes,
  isTls,
  isWebSocket,
  rawHead,
  type WebRequest,
  type WebResponse,
  wantsClose,
  watchClose,
  watchSilence,
} from './node-http.ts';
import { reply, replyToHandshake } from './reply.ts';
import { isRepeatable, type RawHead, type RequestHead, readHead } from './request-head.ts';
import type { Trust } from './trust.ts';
import type { Upstreams } from './upstreams.ts';
import type { VanishedPeers } from './vanished-peers.ts';
import type { Visitors } from './visitors.ts';
import { type ClientEnd, Tunnel, type Tunnels } from './websocket.ts';

export interface EdgeParts {
  door: Door;
  visitors: Visitors;
  forwarder: Forwarder;
  activity: Activity;
  upstreams: Upstreams;
  tunnels: Tunnels;
  limits: Limits;
  vanished: Pick<VanishedPeers, 'watch'>;
  trust: Trust;
  metrics: Metrics;
  clock: Clock;
  log: Log;
  /** Whether a drone has missed its renewals. */
  isSilent(droneId: string): boolean;
  /** A backend could not be reached. */
  look(id: string): void;
}

export interface EdgeOptions {
  clusterDomain: string;
  maxHeaderBytes: number;
  openPerBackend: number;
  /** How long a body may be silent. */
  bodyTimeoutMs: number;
  /** Where plain HTTP is sent to, or nothing. */
  redirectPort(): number | undefined;
}

/**
 * From Node's servers to the edge and back: reads the head, asks the gate, then forwards or answers. A
 * request and a WebSocket handshake go the same way and differ in how an answer is written.
 */
export class EdgeServer implements Handlers {
  readonly #parts: EdgeParts;
  readonly #options: EdgeOptions;
  #draining = false;

  constructor(parts: EdgeParts, options: EdgeOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** From now on connections end with their answer. */
  drain(): void {
    this.#draining = true;
  }

  async request(req: WebRequest, res: WebResponse, expectsContinue: boolean): Promise<void> {
    req.on('error', () => {});
    res.on('error', () => {});
    const gone = new AbortController();
    res.once('close', () => gone.abort(new Error('the client left')));
    const answer = (own: Answer) => {
      this.#parts.metrics.request(own.outcome, own.status);
      reply(res, own, this.#draining || own.closes === true);
    };
    const html = (req.headers.accept ?? '').includes('text/html');
    const decided = await this.#decide(req, rawHead(req, false), html, gone.signal);
    if ('outcome' in decided) {
      if (!gone.signal.aborted) answer(decided);
      return;
    }
    if (gone.signal.aborted) return decided.passage.exchange.neverReached();

    const forwarding = this.#forwarding(req, decided, answer);
    res.once('close', () => forwarding.over());
    if (decided.visitor)
      res.once(
        'close',
        this.#parts.visitors.keep(decided.visitor, () => cutExchange(res)),
      );
    if (decided.head.hasBody)
      watchSilence(req, this.#options.bodyTimeoutMs, () => {
        if (res.headersSent) req.destroy();
        else answer(ANSWERS.bodyTimeout());
      });
    if (expectsContinue) res.writeContinue();
    this.#parts.forwarder.request(req, res, {
      ...forwarding,
      agent: this.#parts.upstreams.agentOf(decided.id),
      repeatable: !decided.head.hasBody && isRepeatable(req.method ?? ''),
      closing: () => this.#draining || wantsClose(res),
    });
  }

  async upgrade(req: IncomingMessage, socket: Socket, bytes: Buffer): Promise<void> {
    socket.on('error', () => {});
    const gone = new AbortController();
    const stopWatching = watchClose(socket, () => gone.abort(new Error('the client left')));
    const answer = (own: Answer) => {
      this.#parts.metrics.request(own.outcome, own.status);
      replyToHandshake(socket, own);
    };
    const decided = isWebSocket(req)
      ? await this.#decide(req, rawHead(req, true), false, gone.signal)
      : ANSWERS.badRequest('its upgrade is not known here', false);
    stopWatching();
    if (gone.signal.aborted) {
      if (!('outcome' in decided)) decided.passage.exchange.neverReached();
      socket.destroy();
      return;
    }
    if ('outcome' in decided) return answer(decided);

    const forwarding = this.#forwarding(req, decided, answer);
    this.#parts.forwarder.upgrade(req, socket, bytes, this.#upgrading(socket, decided, forwarding));
  }

  async connect(req: Http2ServerRequest, res: Http2ServerResponse): Promise<void> {
    req.on('error', () => {});
    res.on('error', () => {});
    const { stream } = res;
    const gone = new AbortController();
    res.once('close', () => gone.abort(new Error('the client left')));
    const answer = (own: Answer) => {
      this.#parts.metrics.request(own.outcome, own.status);
      reply(res, own, false);
    };
    if (protocolOf(req)?.toLowerCase() !== 'websocket') return answer(ANSWERS.otherProtocol());
    const decided = await this.#decide(req, extendedHead(req), false, gone.signal);
    if ('outcome' in decided) {
      if (!gone.signal.aborted) answer(decided);
      return;
    }
    if (gone.signal.aborted) return decided.passage.exchange.neverReached();
    const forwarding = this.#forwarding(req, decided, answer);
    this.#parts.forwarder.extended(stream, this.#upgrading(stream, decided, forwarding));
  }

  /** What else a handshake's way needs: its exchange lasts from the switch to the later of the two closes. */
  #upgrading(
    client: ClientEnd,
    { id, visitor }: Decided,
    forwarding: Forwarding & { over(): void },
  ): UpgradeForwarding {
    const closed = () => forwarding.over();
    let cut = () => {
      client.destroy();
    };
    if (visitor)
      client.once(
        'close',
        this.#parts.visitors.keep(visitor, () => cut()),
      );
    client.once('close', closed);
    return {
      ...forwarding,
      upgraded: (upstream) => {
        client.off('close', closed);
        const tunnel = new Tunnel(client, upstream);
        cut = () => tunnel.cut();
        void tunnel.closed.then(closed);
        this.#parts.tunnels.add(id, tunnel);
        if (this.#draining) tunnel.goodbye('going away');
      },
    };
  }

  connected(socket: Socket): void {
    if (this.#parts.limits.connected(socket, socket.remoteAddress ?? '')) this.#parts.vanished.watch(socket);
    else {
      this.#parts.metrics.connectionRefused();
      socket.destroy();
    }
  }

  failed(error: unknown): void {
    this.#parts.log.error({ error }, 'a request failed');
  }

  /** An answer of our own, or where the request goes; may wait for its backend. */
  async #decide(
    req: WebRequest,
    raw: RawHead,
    html: boolean,
    signal: AbortSignal,
  ): Promise<Answer | Decided> {
    if (headBytes(req) > this.#options.maxHeaderBytes) return ANSWERS.headersTooLarge(html);
    if (!isKnownExpectation(req.headers.expect)) return ANSWERS.unknownExpectation(html);
    const verdict = readHead(raw, this.#options.clusterDomain);
    if (!verdict.ok) return ANSWERS.badRequest(verdict.why, html);
    const { head } = verdict;
    const id = head.backendId;
    if (id === undefined) return ANSWERS.unknown(html);
    const redirectPort = this.#options.redirectPort();
    if (redirectPort !== undefined && !this.#cameByTls(req))
      return redirectToHttps(head.host, head.path, redirectPort);
    switch (this.#parts.limits.admit(id, connectionOf(req), this.#parts.clock.now())) {
      case 'too many connections':
        return ANSWERS.tooManyConnections(html);
      case 'too many requests':
        return ANSWERS.tooManyRequests(html);
    }
    const asking = {
      head,
      backendId: id,
      headers: req.headers,
      upgrade: raw.upgrade,
      secure: this.#cameByTls(req),
    };
    const entered = await this.#parts.door.enter(asking, signal);
    if ('outcome' in entered) return entered;
    const { passage, visitor } = entered;
    if (passage.kind !== 'forward') return answerTo(passage, html);
    if (this.#parts.activity.open(id) > this.#options.openPerBackend) {
      passage.exchange.neverReached();
      return ANSWERS.busy(html);
    }
    return {
      head: visitor ? { ...head, path: visitor.path } : head,
      passage,
      id,
      upgrade: raw.upgrade,
      html,
      visitor,
    };
  }

  /** What forwarding tells us of one exchange: it is counted, cleaned and, where it failed, answered. */
  #forwarding(
    req: WebRequest,
    { head, passage, id, upgrade, html, visitor }: Decided,
    answer: (own: Answer) => void,
  ): Forwarding & { over(): void } {
    const { clock, metrics, trust } = this.#parts;
    const remoteAddress = req.socket.remoteAddress ?? '';
    const { exchange } = passage;
    const arrival = {
      backendId: id,
      host: head.host,
      remoteAddress,
      trusted: trust.includes(remoteAddress),
      secure: isTls(req),
      upgrade,
      chunked: head.chunked,
      visitor,
    };
    let reached = false;
    let settled = false;
    return {
      endpoint: passage.endpoint,
      path: head.path,
      headers: requestHeaders(req.headers, arrival),
      answerHeaders: (headers, handshake) =>
        responseHeaders(headers, this.#options.clusterDomain, { handshake }),
      reached: () => {
        reached = true;
        exchange.reached(upgrade, head.path);
      },
      answered: (status) => {
        settled = true;
        metrics.request(upgrade ? 'upgraded' : 'forwarded', status);
      },
      failed: () => {
        if (settled) return;
        settled = true;
        metrics.upstreamFailed();
        this.#parts.look(id);
        // What had reached the backend may have been done: it is not for us to say that it can be sent again.
        const away = !reached && this.#parts.isSilent(passage.droneId);
        answer(away ? ANSWERS.away(html) : ANSWERS.badGateway(html));
      },
      over: () => {
        settled = true;
        if (reached) exchange.end(clock.now());
        else exchange.neverReached();
      },
    };
  }

  #cameByTls(req: WebRequest): boolean {
    const trusted = this.#parts.trust.includes(req.socket.remoteAddress ?? '');
    return isTls(req) || (trusted && req.headers['x-forwarded-proto'] === 'https');
  }
}

/** RFC 9110 §10.1.1. */
function isKnownExpectation(expect: string | undefined): boolean {
  return expect === undefined || expect.toLowerCase() === '100-continue';
}

type Decided = {
  head: RequestHead;
  passage: Extract<Passage, { kind: 'forward' }>;
  id: string;
  upgrade: boolean;
  html: boolean;
  visitor: Visitor | undefined;
};
