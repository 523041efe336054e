import type { Socket } from 'node:net';
import { backendIdOfHost, type Clock } from '@spawner/domain';
import type { Log } from '@spawner/service';
import type { AccessLog } from '../../access-log/access-log.ts';
import { addedHeaders } from '../../edge/headers.ts';
import type { EdgePolicy } from '../../edge/policy.ts';
import type { Forward } from '../../edge/request.ts';
import type { Metrics } from '../../metrics.ts';
import type { Sessions } from '../../routing/sessions.ts';
import { TIMEOUTS } from '../../timeouts.ts';
import { replyBytes } from '../reply-bytes.ts';
import { type ConnectionOwner, type Origin, RawConnection, type RawTransportOptions } from './connection.ts';
import type { RawExchange } from './exchange.ts';
import type { RawRequest } from './request-parser.ts';
import { RawTunnel } from './tunnel.ts';
import type { Upstream } from './upstream.ts';
import type { RawUpstreamPool } from './upstream-pool.ts';

export interface RawTransportParts {
  policy: Pick<EdgePolicy, 'decideNow' | 'backendFailed'>;
  upstreams: RawUpstreamPool;
  sessions: Pick<Sessions, 'add' | 'draining'>;
  metrics: Metrics;
  /** Undefined if it is off. */
  accessLog: AccessLog | undefined;
  clock: Clock;
  log: Log;
}

/**
 * HTTP/1.1 and WebSockets on bare sockets, for requests that its strict parser understands and that the policy forwards at
 * once. Every other request goes, unread and with its connection, to Node's servers (../node).
 */
export class RawTransport implements ConnectionOwner {
  readonly upstreams: RawUpstreamPool;
  readonly clock: Clock;
  readonly options: RawTransportOptions;
  readonly #parts: RawTransportParts;
  readonly #connections = new Set<RawConnection>();
  readonly #over = new AbortController();
  readonly #sweeping: Promise<void>;
  /** Responses of each status class since the last sweep: adding to a counter costs as much as reading a head. */
  readonly #answered: number[] = [];

  constructor(parts: RawTransportParts, options: RawTransportOptions) {
    this.#parts = parts;
    this.upstreams = parts.upstreams;
    this.clock = parts.clock;
    this.options = options;
    this.#sweeping = this.#sweep();
  }

  /** Serves an accepted connection. `handOver` gives it to Node's servers, with what has come. */
  take(socket: Socket, tls: boolean, handOver: (socket: Socket) => void): void {
    this.#connections.add(new RawConnection(this, socket, tls, handOver));
  }

  /** Ends the connections that have no request. */
  drain(): void {
    for (const connection of this.#connections) connection.endIdle();
  }

  async close(): Promise<void> {
    this.#over.abort(new Error('the proxy is closing'));
    await this.#sweeping;
    this.#count();
  }

  get draining(): boolean {
    return this.#parts.sessions.draining;
  }

  answered(status: number, upgrade: boolean): void {
    const statusClass = Math.floor(status / 100);
    if (upgrade) this.#parts.metrics.request('upgraded', status);
    else this.#answered[statusClass] = (this.#answered[statusClass] ?? 0) + 1;
  }

  decide(request: RawRequest, connection: RawConnection): Forward | undefined {
    const origin = this.#originOf(request, connection);
    const decision = origin && this.#parts.policy.decideNow(request);
    if (!decision) return undefined;
    request.added = request.speaksForOthers ? linesOf(addedHeaders(request)) : origin.added;
    request.access = this.#parts.accessLog?.begin('fast', request);
    return decision;
  }

  failure({ request, decision, reached }: RawExchange, keep: boolean): string {
    const { policy, metrics } = this.#parts;
    const reply = policy.backendFailed(request, decision, reached);
    metrics.request(reply.outcome, reply.status);
    request.access?.refused(reply);
    const bytes = replyBytes(reply, !keep).toString('latin1');
    return request.method === 'HEAD' ? bytes.slice(0, bytes.indexOf('\r\n\r\n') + 4) : bytes;
  }

  threw(error: unknown): void {
    this.#parts.log.error({ error }, 'a connection failed');
  }

  joined(exchange: RawExchange, connection: RawConnection, upstream: Upstream, rest: Buffer): void {
    const { request, decision } = exchange;
    const tunnel = new RawTunnel(connection.connection, connection.tls, upstream);
    tunnel.bytes(rest, rest.length);
    void tunnel.closed.then(() => {
      decision.active.end(this.clock.now());
      request.access?.end();
    });
    this.#parts.sessions.add(request.backendId ?? '', tunnel);
  }

  left(connection: RawConnection): void {
    this.#connections.delete(connection);
  }

  /** Sets the request's backend, and finds what the connection's requests to its host have in common. */
  #originOf(request: RawRequest, connection: RawConnection): Origin | undefined {
    const { host } = request;
    const known = connection.origin?.host === host ? connection.origin : undefined;
    request.backendId = known ? known.backendId : backendIdOfHost(host, this.options.clusterDomain);
    if (known || request.backendId === undefined) return known;
    connection.origin = { host, backendId: request.backendId, added: linesOf(addedHeaders(request)) };
    return connection.origin;
  }

  async #sweep(): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      await this.clock.sleep(TIMEOUTS.sweep, signal).catch(() => {});
      const now = this.clock.now();
      for (const connection of this.#connections) connection.sweep(now);
      this.upstreams.sweep();
      this.#count();
    }
  }

  #count(): void {
    for (const [statusClass, count] of this.#answered.splice(0).entries())
      if (count) this.#parts.metrics.request('forwarded', statusClass * 100, count);
  }
}

function linesOf(headers: Record<string, string>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
}
