import type { Clock } from '@spawner/domain';
import type { Endpoint } from '@spawner/proto/internal/backend_status';
import type { Log } from '@spawner/service';
import { isSameEndpoint } from '../../routing/route-decision.ts';
import type { UpstreamPool } from '../../routing/sessions.ts';
import { BOUNDS, TIMEOUTS } from '../../timeouts.ts';
import type { Dialling } from '../dialling.ts';
import { ResponseMemo } from './response-memo.ts';
import { Upstream, type UpstreamUser } from './upstream.ts';

/** The connections of one backend. */
export interface Connections {
  /** The last one used is the next one used. */
  readonly free: Upstream[];
  readonly all: Set<Upstream>;
  readonly responses: ResponseMemo;
  /** None is kept until the next request. */
  resting: boolean;
  /** How long the backend may take to accept the connection. */
  readonly connectTimeoutMs: number;
  closed(upstream: Upstream): void;
  /** A user threw; the connection is cut. */
  failed(error: unknown): void;
}

/**
 * Kept connections, in a set of its own for each backend: none can carry another backend's request, and a backend's end closes
 * its connections.
 */
export class RawUpstreamPool implements UpstreamPool {
  readonly #backends = new Map<string, Connections>();
  readonly #dialling: Dialling;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(dialling: Dialling, clock: Clock, log: Log) {
    this.#dialling = dialling;
    this.#clock = clock;
    this.#log = log;
  }

  /** A kept or a new connection to this backend. It is the user's until it is released or closed. */
  acquire(backendId: string, endpoint: Endpoint, user: UpstreamUser): Upstream {
    const free = this.#backends.get(backendId)?.free;
    const now = this.#clock.now();
    for (let kept = free?.pop(); kept; kept = free?.pop()) {
      if (kept.socket.destroyed || kept.idleUntil <= now || !isSameEndpoint(kept.endpoint, endpoint)) {
        kept.drop();
        continue;
      }
      kept.user = user;
      kept.reused = true;
      return kept;
    }
    return this.open(backendId, endpoint, user);
  }

  /** A new connection. */
  open(backendId: string, endpoint: Endpoint, user: UpstreamUser): Upstream {
    const connections = this.#connectionsOf(backendId);
    connections.resting = false;
    const upstream = new Upstream(endpoint, user, connections);
    this.#dialling.connected(upstream.socket);
    connections.all.add(upstream);
    return upstream;
  }

  /** The connection can carry another request. The backend keeps it for `keptMs` milliseconds, as far as it says. */
  release(backendId: string, upstream: Upstream, keptMs: number): void {
    upstream.user = undefined;
    const connections = this.#backends.get(backendId);
    const ms = Math.min(TIMEOUTS.upstreamIdle, keptMs - TIMEOUTS.upstreamIdleMargin);
    const hasRoom = connections && !connections.resting && connections.free.length < BOUNDS.keptUpstreams;
    if (!hasRoom || ms <= 0 || !connections.all.has(upstream)) {
      upstream.destroy();
      return;
    }
    upstream.idleUntil = this.#clock.now() + ms;
    connections.free.push(upstream);
  }

  closeIdle(backendId: string): void {
    for (const upstream of this.#backends.get(backendId)?.free.splice(0) ?? []) upstream.drop();
  }

  rest(backendId: string): void {
    const connections = this.#backends.get(backendId);
    if (connections) connections.resting = true;
    this.closeIdle(backendId);
  }

  forget(backendId: string): void {
    this.closeIdle(backendId);
  }

  cut(backendId: string): void {
    for (const upstream of this.#backends.get(backendId)?.all ?? []) upstream.destroy();
  }

  /** Closes connections that have been idle for too long. */
  sweep(): void {
    const now = this.#clock.now();
    for (const { free } of this.#backends.values())
      for (const upstream of free.filter(({ idleUntil }) => idleUntil <= now)) {
        free.splice(free.indexOf(upstream), 1);
        upstream.drop();
      }
  }

  close(): void {
    for (const backendId of [...this.#backends.keys()]) this.cut(backendId);
  }

  #connectionsOf(backendId: string): Connections {
    const known = this.#backends.get(backendId);
    if (known) return known;
    const made: Connections = {
      free: [],
      all: new Set(),
      responses: new ResponseMemo(),
      resting: false,
      connectTimeoutMs: this.#dialling.connectTimeoutMs,
      closed: (upstream) => {
        made.all.delete(upstream);
        const at = made.free.indexOf(upstream);
        if (at >= 0) made.free.splice(at, 1);
        if (made.all.size === 0) this.#backends.delete(backendId);
      },
      failed: (error) => this.#log.error({ error }, 'an exchange failed'),
    };
    this.#backends.set(backendId, made);
    return made;
  }
}
