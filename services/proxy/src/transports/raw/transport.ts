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
import type { TransportOptions } from '../options.ts';
import { replyBytes } from '../reply-bytes.ts';
import { type Origin, RawConnection } from './connection.ts';
import type { RawExchange } from './exchange.ts';
import type { RawRequest } from './request-parser.ts';
import { RawTunnel } from './tunnel.ts';
import type { Upstream } from './upstream.ts';
import type { RawUpstreamPool } from './upstream-pool.ts';

export interface RawTransportParts {
  policy: Pick<EdgePolicy, 'decideNow' | 'backendFailed' | 'restartHold'>;
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
export class RawTransport {
  readonly parts: RawTransportParts;
  readonly options: TransportOptions;
  readonly #connections = new Set<RawConnection>();
  readonly #over = new AbortController();
  readonly #sweeping: Promise<void>;
  /** Responses of each status class since the last sweep: adding to a counter costs as much as reading a head. */
  readonly #answered: number[] = [];

  constructor(parts: RawTransportParts, options: TransportOptions) {
    this.parts = parts;
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

  /** Counts a response of the backend. */
  answered(status: number, upgrade: boolean): void {
    const statusClass = Math.floor(status / 100);
    if (upgrade) this.parts.metrics.request('upgraded', status);
    else this.#answered[statusClass] = (this.#answered[statusClass] ?? 0) + 1;
  }

  /** Decides about a request. Undefined if the decision, or the request, is for Node's servers. */
  decide(request: RawRequest, connection: RawConnection): Forward | undefined {
    const origin = this.#originOf(request, connection);
    const decision = origin && this.parts.policy.decideNow(request);
    if (!decision) return undefined;
    request.added = request.peer.trusted ? linesOf(addedHeaders(request)) : origin.added;
    request.access = this.parts.accessLog?.begin('fast', request);
    return decision;
  }

  /**
   * Returns the whole response to a request whose backend failed, one character per byte. `objection`: why the backend's answer
   * cannot be forwarded, if it gave one.
   */
  failure({ request, decision, reached, refused }: RawExchange, keep: boolean, objection?: string): string {
    const { policy, metrics } = this.parts;
    const reply = policy.backendFailed(request, decision, reached, { refused, objection });
    metrics.request(reply.outcome, reply.status);
    request.access?.refused(reply);
    const bytes = replyBytes(reply, !keep).toString('latin1');
    return request.method === 'HEAD' ? bytes.slice(0, bytes.indexOf('\r\n\r\n') + 4) : bytes;
  }

  /** Both sides speak WebSocket from now on; `rest` is what the backend has sent of it. */
  joined(exchange: RawExchange, connection: RawConnection, upstream: Upstream, rest: Buffer): void {
    const { request, decision } = exchange;
    const tunnel = new RawTunnel(connection.connection, connection.tls, upstream);
    tunnel.bytes(rest, rest.length);
    void tunnel.closed.then(() => {
      decision.active.end(this.parts.clock.now());
      request.access?.end();
    });
    this.parts.sessions.add(request.backendId ?? '', tunnel);
  }

  /** The connection is closed, or Node's. */
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
      await this.parts.clock.sleep(TIMEOUTS.sweep, signal).catch(() => {});
      const now = this.parts.clock.now();
      for (const connection of this.#connections) connection.sweep(now);
      this.parts.upstreams.sweep();
      this.#count();
    }
  }

  #count(): void {
    for (const [statusClass, count] of this.#answered.splice(0).entries())
      if (count) this.parts.metrics.request('forwarded', statusClass * 100, count);
  }
}

function linesOf(headers: Record<string, string>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
}
