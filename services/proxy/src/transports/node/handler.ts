import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock } from '@spawner/domain';
import type { Log } from '@spawner/service';
import type { AccessEntry } from '../../access-log/access-entry.ts';
import type { AccessLog } from '../../access-log/access-log.ts';
import { requestHeaders, responseHeaders } from '../../edge/headers.ts';
import type { Received, Reception } from '../../edge/policy.ts';
import type { Limits } from '../../edge/rate-limits.ts';
import { ANSWERS, type Answer } from '../../edge/replies.ts';
import type { Trust } from '../../edge/trusted-addresses.ts';
import type { Metrics } from '../../metrics.ts';
import type { Activity } from '../../routing/active-requests.ts';
import type { Visitors } from '../../tokens/token-sessions.ts';
import type { VanishedPeers } from '../dead-peers.ts';
import type { Handlers } from './connection.ts';
import type { Forwarder, Forwarding, UpgradeForwarding } from './exchange.ts';
import { protocolOf } from './extended-connect.ts';
import {
  askedBy,
  cutExchange,
  cutRequest,
  endWithAnswer,
  extendedHead,
  isTls,
  isWebSocket,
  isWhole,
  lifeOf,
  rawHead,
  type WebRequest,
  type WebResponse,
  wantsClose,
  watchClose,
  watchSilence,
} from './node-http.ts';
import { reply, replyToHandshake } from './reply.ts';
import { isRepeatable } from './request-parser.ts';
import { type ClientEnd, Tunnel, type Tunnels } from './tunnel.ts';
import type { Upstreams } from './upstream-pool.ts';

export interface EdgeParts {
  reception: Reception;
  visitors: Visitors;
  forwarder: Forwarder;
  activity: Activity;
  upstreams: Upstreams;
  tunnels: Tunnels;
  limits: Limits;
  vanished: Pick<VanishedPeers, 'watch'>;
  trust: Trust;
  metrics: Metrics;
  /** Nothing where it is off. */
  access: AccessLog | undefined;
  clock: Clock;
  log: Log;
  /** Whether a drone has missed its renewals. */
  isSilent(droneId: string): boolean;
  /** A backend could not be reached. */
  look(id: string): void;
}

export interface EdgeOptions {
  clusterDomain: string;
  /** How long a body may be silent. */
  bodyTimeoutMs: number;
}

/** One for all, because its stack says nothing and costs something. */
const LEFT = new Error('the client left');

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
    const left = () => gone.abort(LEFT);
    const life = lifeOf(res);
    res.once('close', left);
    endWithAnswer(res);
    const access = this.#begin(req);
    if (access) life.once('close', () => access.end(isWhole(res)));
    const answer = (own: Answer) => {
      this.#parts.metrics.request(own.outcome, own.status);
      access?.refused(own);
      reply(res, own, this.#draining || own.closes === true);
    };
    const html = (req.headers.accept ?? '').includes('text/html');
    const decided = await this.#parts.reception.receive(req, rawHead(req, false), html, gone.signal);
    res.off('close', left);
    access?.waited();
    if ('outcome' in decided) {
      if (!gone.signal.aborted) answer(decided);
      return;
    }
    if (gone.signal.aborted) return decided.passage.exchange.neverReached();

    const forwarding = this.#forwarding(req, decided, access, answer);
    life.once('close', () => forwarding.over());
    const cut = () => {
      access?.revoked();
      cutExchange(res);
    };
    if (decided.visitor) life.once('close', this.#parts.visitors.keep(decided.visitor, cut));
    if (decided.head.hasBody)
      watchSilence(req, this.#options.bodyTimeoutMs, () => {
        if (res.headersSent) cutRequest(req);
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
    const stopWatching = watchClose(socket, () => gone.abort(LEFT));
    const access = this.#begin(req);
    const answer = (own: Answer) => {
      this.#parts.metrics.request(own.outcome, own.status);
      access?.refused(own);
      replyToHandshake(socket, own);
      access?.end();
    };
    const decided = isWebSocket(req)
      ? await this.#parts.reception.receive(req, rawHead(req, true), false, gone.signal)
      : ANSWERS.badRequest('its upgrade is not known here', false);
    stopWatching();
    access?.waited();
    if (gone.signal.aborted) {
      access?.end();
      if (!('outcome' in decided)) decided.passage.exchange.neverReached();
      socket.destroy();
      return;
    }
    if ('outcome' in decided) return answer(decided);

    const forwarding = this.#forwarding(req, decided, access, answer);
    this.#parts.forwarder.upgrade(req, socket, bytes, this.#upgrading(socket, decided, forwarding));
  }

  async connect(req: Http2ServerRequest, res: Http2ServerResponse): Promise<void> {
    req.on('error', () => {});
    res.on('error', () => {});
    const { stream } = res;
    const gone = new AbortController();
    res.once('close', () => gone.abort(LEFT));
    const access = this.#begin(req);
    const answer = (own: Answer) => {
      this.#parts.metrics.request(own.outcome, own.status);
      access?.refused(own);
      reply(res, own, false);
      access?.end();
    };
    if (protocolOf(req)?.toLowerCase() !== 'websocket') return answer(ANSWERS.otherProtocol());
    const decided = await this.#parts.reception.receive(req, extendedHead(req), false, gone.signal);
    access?.waited();
    if (gone.signal.aborted) {
      access?.end();
      if (!('outcome' in decided)) decided.passage.exchange.neverReached();
      return;
    }
    if ('outcome' in decided) return answer(decided);
    const forwarding = this.#forwarding(req, decided, access, answer);
    this.#parts.forwarder.extended(stream, this.#upgrading(stream, decided, forwarding));
  }

  /** What else a handshake's way needs: its exchange lasts from the switch to the later of the two closes. */
  #upgrading(
    client: ClientEnd,
    { id, visitor }: Received,
    forwarding: Forwarding & { over(): void },
  ): UpgradeForwarding {
    const closed = () => forwarding.over();
    let cut = () => {
      client.destroy();
    };
    if (visitor)
      client.once(
        'close',
        this.#parts.visitors.keep(visitor, () => {
          forwarding.access?.revoked();
          cut();
        }),
      );
    client.once('close', closed);
    return {
      ...forwarding,
      upgraded: (upstream) => {
        client.off('close', closed);
        const tunnel = new Tunnel(client, upstream);
        forwarding.access?.uses(upstream);
        cut = () => tunnel.cut();
        void tunnel.closed.then(closed);
        this.#parts.tunnels.add(id, tunnel);
        if (this.#draining) tunnel.goodbye('going away');
      },
    };
  }

  connected(socket: Socket): void {
    if (this.#parts.limits.connected(socket)) this.#parts.vanished.watch(socket);
    else {
      this.#parts.metrics.connectionRefused();
      socket.destroy();
    }
  }

  failed(error: unknown): void {
    this.#parts.log.error({ error }, 'a request failed');
  }

  #begin(req: WebRequest): AccessEntry | undefined {
    const { access } = this.#parts;
    if (!access) return undefined;
    const asked = askedBy(req, this.#options.clusterDomain);
    return access.begin('general', () => asked);
  }

  /** What forwarding tells us of one exchange: it is counted, cleaned and, where it failed, answered. */
  #forwarding(
    req: WebRequest,
    { head, passage, id, upgrade, html, visitor }: Received,
    access: AccessEntry | undefined,
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
      access,
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
        access?.answered(status, upgrade && status < 300);
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
        access?.end();
      },
    };
  }
}
