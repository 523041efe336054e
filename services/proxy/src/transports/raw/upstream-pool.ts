import type { Socket } from 'node:net';
import type { Clock } from '@spawner/domain';
import type { Endpoint } from '@spawner/proto/internal/backend_status';
import { isSameEndpoint } from '../../routing/endpoint.ts';
import { BOUNDS, TIMEOUTS } from '../../timeouts.ts';
import { Upstream, type UpstreamOwner, type UpstreamUser } from './upstream.ts';

/**
 * The fast path's connections, a set of its own for each backend: none can carry another backend's request, and a
 * backend's end takes its connections along. The last one used is the next one used.
 */

/** Those of one backend. */
interface Connections extends UpstreamOwner {
  readonly free: Upstream[];
  readonly all: Set<Upstream>;
  /** None is kept until the next request. */
  resting: boolean;
}

export interface KeptUpstreamsOwner {
  /** A connection to a backend is on its way. */
  opened(socket: Socket): void;
  /** One's user threw, which none should. */
  failed(error: unknown): void;
}

export class KeptUpstreams {
  readonly #backends = new Map<string, Connections>();
  readonly #connectTimeoutMs: number;
  readonly #clock: Clock;
  readonly #owner: KeptUpstreamsOwner;

  constructor(connectTimeoutMs: number, clock: Clock, owner: KeptUpstreamsOwner) {
    this.#owner = owner;
    this.#connectTimeoutMs = connectTimeoutMs;
    this.#clock = clock;
  }

  /** A connection to this backend, kept or new, that is the user's until it is released or closed. */
  acquire(id: string, endpoint: Endpoint, user: UpstreamUser): Upstream {
    const free = this.#backends.get(id)?.free;
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
    return this.open(id, endpoint, user);
  }

  /** A new connection. */
  open(id: string, endpoint: Endpoint, user: UpstreamUser): Upstream {
    const connections = this.#connectionsOf(id);
    connections.resting = false;
    const upstream = new Upstream(endpoint, user, connections);
    this.#owner.opened(upstream.socket);
    connections.all.add(upstream);
    return upstream;
  }

  /** Its exchange is over and it can carry another one; the backend means to keep it for so many milliseconds. */
  release(id: string, upstream: Upstream, keptMs: number): void {
    upstream.user = undefined;
    const connections = this.#backends.get(id);
    const ms = Math.min(TIMEOUTS.upstreamIdle, keptMs - TIMEOUTS.upstreamIdleMargin);
    const room = connections && !connections.resting && connections.free.length < BOUNDS.keptUpstreams;
    if (!room || ms <= 0 || !connections.all.has(upstream)) {
      upstream.destroy();
      return;
    }
    upstream.idleUntil = this.#clock.now() + ms;
    connections.free.push(upstream);
  }

  /** Its connections that carry nothing now are closed. */
  closeIdle(id: string): void {
    for (const upstream of this.#backends.get(id)?.free.splice(0) ?? []) upstream.drop();
  }

  /** No connection is kept until the next request: those that are free close now, the others when they are. */
  rest(id: string): void {
    const connections = this.#backends.get(id);
    if (connections) connections.resting = true;
    this.closeIdle(id);
  }

  /** The backend has ended: everything to it is cut. */
  cut(id: string): void {
    for (const upstream of this.#backends.get(id)?.all ?? []) upstream.destroy();
  }

  /** Closes what nobody has used for a while. */
  sweep(): void {
    const now = this.#clock.now();
    for (const { free } of this.#backends.values())
      for (const upstream of free.filter(({ idleUntil }) => idleUntil <= now)) {
        free.splice(free.indexOf(upstream), 1);
        upstream.drop();
      }
  }

  close(): void {
    for (const id of [...this.#backends.keys()]) this.cut(id);
  }

  #connectionsOf(id: string): Connections {
    const known = this.#backends.get(id);
    if (known) return known;
    const made: Connections = {
      free: [],
      all: new Set(),
      resting: false,
      connectTimeoutMs: this.#connectTimeoutMs,
      closed: (upstream) => this.#closed(id, upstream),
      failed: (error) => this.#owner.failed(error),
    };
    this.#backends.set(id, made);
    return made;
  }

  #closed(id: string, upstream: Upstream): void {
    const connections = this.#backends.get(id);
    if (!connections) return;
    connections.all.delete(upstream);
    const at = connections.free.indexOf(upstream);
    if (at >= 0) connections.free.splice(at, 1);
    if (connections.all.size === 0) this.#backends.delete(id);
  }
}
