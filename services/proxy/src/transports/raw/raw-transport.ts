import type { Socket } from 'node:net';
import { backendIdOfHost, type Clock } from '@spawner/domain';
import type { Log } from '@spawner/service';
import type { Asked } from '../../access-log/access-entry.ts';
import type { AccessLog } from '../../access-log/access-log.ts';
import { forwardedHeaders } from '../../edge/headers.ts';
import type { Limits } from '../../edge/rate-limits.ts';
import { ANSWERS } from '../../edge/replies.ts';
import type { Trust } from '../../edge/trusted-addresses.ts';
import type { Metrics } from '../../metrics.ts';
import type { Activity } from '../../routing/active-requests.ts';
import type { Gate } from '../../routing/router.ts';
import { TIMEOUTS } from '../../timeouts.ts';
import { answerBytes } from '../node/reply.ts';
import type { Tunnels } from '../node/tunnel.ts';
import { ClientConnection, type ConnectionOwner, type Origin } from './connection.ts';
import type { ExchangeParts, Passing } from './exchange.ts';
import type { Claims, StrictRequest } from './request-parser.ts';
import { FastTunnel } from './tunnel.ts';
import type { Upstream } from './upstream.ts';
import type { KeptUpstreams } from './upstream-pool.ts';

/**
 * The fast path as a whole: takes accepted connections, lets what it fully understands through the same gate as the general
 * path does, with the same headers, and gives everything else to the general path.
 */
export interface FastPathParts {
  gate: Pick<Gate, 'passNow'>;
  activity: Pick<Activity, 'open'>;
  limits: Pick<Limits, 'admit'>;
  upstreams: KeptUpstreams;
  tunnels: Pick<Tunnels, 'add'>;
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

export interface FastPathOptions {
  clusterDomain: string;
  maxHeaderBytes: number;
  openPerBackend: number;
  headTimeoutMs: number;
  bodyTimeoutMs: number;
  /** Where plain HTTP is sent to, or nothing. */
  redirectPort(): number | undefined;
}

export class FastPath implements ConnectionOwner {
  readonly exchangeParts: ExchangeParts;
  readonly maxHeaderBytes: number;
  readonly headTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly #parts: FastPathParts;
  readonly #options: FastPathOptions;
  readonly #connections = new Set<ClientConnection>();
  readonly #over = new AbortController();
  readonly #sweeping: Promise<void>;
  /** Of each status class since the last sweep: adding to a counter costs as much as reading a head. */
  readonly #answered: number[] = [];
  #draining = false;

  constructor(parts: FastPathParts, options: FastPathOptions) {
    const { upstreams, clock, metrics } = parts;
    this.#parts = parts;
    this.#options = options;
    this.maxHeaderBytes = options.maxHeaderBytes;
    this.headTimeoutMs = options.headTimeoutMs;
    this.bodyTimeoutMs = options.bodyTimeoutMs;
    this.exchangeParts = {
      upstreams,
      clock,
      clusterDomain: options.clusterDomain,
      draining: () => this.#draining,
      answered: (status, upgrade) => {
        if (upgrade) metrics.request('upgraded', status);
        else this.#answered[Math.floor(status / 100)] = (this.#answered[Math.floor(status / 100)] ?? 0) + 1;
      },
    };
    this.#sweeping = this.#sweep();
  }

  /** Serves an accepted connection; `general` takes it with what has come where it is not for this path. */
  take(socket: Socket, secure: boolean, general: (socket: Socket) => void): void {
    this.#connections.add(new ClientConnection(this, socket, secure, general));
  }

  /** From now on connections end with their answer, and those without a request now. */
  drain(): void {
    this.#draining = true;
    for (const connection of this.#connections) connection.endIdle();
  }

  async close(): Promise<void> {
    this.#over.abort(new Error('the proxy is closing'));
    await this.#sweeping;
    this.#count();
  }

  trusts(address: string): boolean {
    return this.#parts.trust.includes(address);
  }

  now(): number {
    return this.#parts.clock.now();
  }

  admit(request: StrictRequest, path: () => string, connection: ClientConnection): Passing | undefined {
    const { gate, activity } = this.#parts;
    const origin = this.#originOf(request.host, connection);
    if (!origin) return undefined;
    const { id } = origin;
    const { claims } = request;
    const secure = connection.secure || claims?.['x-forwarded-proto'] === 'https';
    if (!secure && this.#options.redirectPort() !== undefined) return undefined;
    if (activity.open(id) >= this.#options.openPerBackend) return undefined;
    const passage = gate.passNow(id);
    if (!passage) return undefined;
    // The last question: what it counts must not be counted again on the general path.
    const { limits, clock } = this.#parts;
    if (!isPort(passage.endpoint.port) || limits.admit(id, connection.socket, clock.now()) !== 'admitted') {
      passage.exchange.neverReached();
      return undefined;
    }
    const added = claims ? addedTo(request.host, id, connection, claims) : origin.added;
    const { droneId, endpoint, exchange } = passage;
    const asked = path();
    const access = this.#parts.access?.begin('fast', () => askedBy(request, id, asked, connection));
    return { request, id, droneId, endpoint, exchange, path: asked, added, access };
  }

  failed(passing: Passing | undefined, head: string, keep: boolean, reached: boolean): string {
    const { metrics } = this.#parts;
    const html = ACCEPTS_HTML.test(head);
    const away = !reached && this.#parts.isSilent(passing?.droneId ?? '');
    const own = away ? ANSWERS.away(html) : ANSWERS.badGateway(html);
    metrics.upstreamFailed();
    metrics.request(own.outcome, own.status);
    passing?.access?.refused(own);
    if (passing) this.#parts.look(passing.id);
    const bytes = answerBytes(own, !keep).toString('latin1');
    return head.startsWith('HEAD ') ? bytes.slice(0, bytes.indexOf('\r\n\r\n') + 4) : bytes;
  }

  threw(error: unknown): void {
    this.#parts.log.error({ error }, 'a connection failed');
  }

  joined(
    { id, exchange, access }: Passing,
    client: ClientConnection,
    upstream: Upstream,
    said: Buffer,
  ): void {
    const tunnel = new FastTunnel(client.socket, client.secure, upstream);
    tunnel.bytes(said, said.length);
    this.#parts.tunnels.add(id, tunnel);
    void tunnel.closed.then(() => {
      exchange.end(this.now());
      access?.end();
    });
    if (this.#draining) tunnel.goodbye('going away');
  }

  left(connection: ClientConnection): void {
    this.#connections.delete(connection);
  }

  #originOf(host: string, connection: ClientConnection): Origin | undefined {
    if (connection.origin?.host === host) return connection.origin;
    const id = backendIdOfHost(host, this.#options.clusterDomain);
    if (id === undefined) return undefined;
    connection.origin = { host, id, added: addedTo(host, id, connection, {}) };
    return connection.origin;
  }

  async #sweep(): Promise<void> {
    const { clock, upstreams } = this.#parts;
    const { signal } = this.#over;
    while (!signal.aborted) {
      await clock.sleep(TIMEOUTS.sweep, signal).catch(() => {});
      const now = clock.now();
      for (const connection of this.#connections) connection.sweep(now);
      upstreams.sweep();
      this.#count();
    }
  }

  #count(): void {
    for (const [status, count] of this.#answered.splice(0).entries())
      if (count) this.#parts.metrics.request('forwarded', status * 100, count);
  }
}

/** Node throws where one dials any other. */
function isPort(port: number): boolean {
  return port > 0 && port < 65_536;
}

const ACCEPTS_HTML = /^accept:[^\r\n]*text\/html/im;

function askedBy(
  { host, method, lines }: StrictRequest,
  backend: string,
  path: string,
  connection: ClientConnection,
): Asked {
  const userAgent = USER_AGENT.exec(lines)?.[1] ?? '';
  return { host, backend, method, path, protocol: 'HTTP/1.1', client: connection.remoteAddress, userAgent };
}

const USER_AGENT = /^user-agent:[\t ]*([^\r\n]*?)[\t ]*\r$/im;

/** The header lines that tell a backend of its caller; the same as on the general path. */
function addedTo(host: string, id: string, connection: ClientConnection, claims: Claims): string {
  const { remoteAddress, trusted, secure } = connection;
  const about = { backendId: id, host, remoteAddress, trusted, secure, upgrade: false, chunked: false };
  const added = { ...forwardedHeaders(claims, about), 'x-spawner-backend': id };
  return Object.entries(added)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
}
