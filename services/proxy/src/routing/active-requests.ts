import type { ActivityReport, ProxyActivity } from '@spawner/proto/internal/telemetry';
import { ActivityKind } from '@spawner/proto/v1/explanation';

/** The most characters of a path that reports show. They never show its query, which may hold secrets. */
const MOST_PATH = 128;

/**
 * The requests that are open to each backend (ARCHITECTURE.md, "Idle"), and the time of the last one. A request is open from its
 * head to the last byte of its response; a WebSocket, to the later close of its two sides. Pure: times are the caller's clock in
 * milliseconds. A backend has an entry only while its route is known or something is open to it.
 */
export class ActiveRequests {
  readonly #backends = new Map<string, Entry>();
  readonly #startedAt: number;

  constructor(now: number) {
    this.#startedAt = now;
  }

  /** A request is open from now on, until `end` or `neverReached` is called. */
  begin(id: string, droneId: string): ActiveRequest {
    const entry: Entry = this.#backends.get(id) ?? { droneId, open: 0, forgotten: false };
    entry.droneId = droneId;
    entry.open += 1;
    entry.forgotten = false;
    this.#backends.set(id, entry);
    return new ActiveRequest(this.#backends, id, entry);
  }

  /** The route is unknown from now on: the entry goes when nothing is open. */
  forget(id: string): void {
    const entry = this.#backends.get(id);
    if (!entry) return;
    entry.forgotten = true;
    if (entry.open === 0) this.#backends.delete(id);
  }

  open(id: string): number {
    return this.#backends.get(id)?.open ?? 0;
  }

  /** Number of open requests. */
  get total(): number {
    let total = 0;
    for (const { open } of this.#backends.values()) total += open;
    return total;
  }

  /** Number of backends that have an entry. */
  get size(): number {
    return this.#backends.size;
  }

  /** The answer to an agent that asks. A backend without an entry has been idle since this proxy started. */
  of(id: string, now: number): ProxyActivity {
    return this.#activityOf(id, this.#backends.get(id) ?? { open: 0 }, now);
  }

  /** Whether the backend has had no request since this proxy started, so that the age of its activity is the proxy's. */
  isUnused(id: string): boolean {
    const { open, lastActive } = this.#backends.get(id) ?? { open: 0 };
    return open === 0 && lastActive === undefined;
  }

  /** By drone, the backends with an open request, or with one that ended less than `withinMs` ago. */
  report(now: number, withinMs: number): Map<string, ActivityReport['backends']> {
    const drones = new Map<string, ActivityReport['backends']>();
    for (const [id, entry] of this.#backends) {
      const activity = this.#activityOf(id, entry, now);
      if (activity.ageMs >= withinMs) continue;
      const backends = drones.get(entry.droneId) ?? [];
      backends.push(activity);
      drones.set(entry.droneId, backends);
    }
    return drones;
  }

  #activityOf(id: string, used: Used, now: number): ProxyActivity {
    const { open, lastActive = this.#startedAt, upgrade, path, firstByteMs } = used;
    const kind = upgrade ? ActivityKind.UPGRADE : ActivityKind.HTTP;
    const ageMs = open > 0 ? 0 : Math.max(0, Math.round(now - lastActive));
    return { id, open, ageMs, last: path === undefined ? undefined : { kind, path }, firstByteMs };
  }
}

interface Entry {
  droneId: string;
  open: number;
  /** When a request that reached the backend last ended; undefined before the first. */
  lastActive?: number;
  forgotten: boolean;
  /** From the opening of the route to the first byte of a response, if a request was held for it. The first one counts. */
  firstByteMs?: number;
  /** Kind and path of the request that reached the backend last. */
  upgrade?: boolean;
  path?: string;
}

/** One open request. The first call of `end` or `neverReached` counts. */
export class ActiveRequest {
  readonly #backends: Map<string, Entry>;
  readonly #id: string;
  readonly #entry: Entry;
  #over = false;
  #openedAt: number | undefined;

  constructor(backends: Map<string, Entry>, id: string, entry: Entry) {
    this.#backends = backends;
    this.#id = id;
    this.#entry = entry;
  }

  /** The request was held for the start of its backend, whose route has opened now. */
  wasHeld(now: number): void {
    this.#openedAt = now;
  }

  /** The response has begun. Returns the milliseconds since the opening of the route if the request was held for it. */
  answered(now: number): number | undefined {
    if (this.#openedAt === undefined) return undefined;
    const ms = now - this.#openedAt;
    this.#openedAt = undefined;
    this.#entry.firstByteMs ??= Math.round(ms);
    return ms;
  }

  /** The backend has got the request. */
  reached(upgrade: boolean, path: string): void {
    this.#entry.upgrade = upgrade;
    const query = path.indexOf('?');
    const end = Math.min(query < 0 ? path.length : query, MOST_PATH);
    const shown = end === path.length ? path : path.slice(0, end);
    // A copy: a slice would keep the whole head of the request alive.
    if (this.#entry.path !== shown) this.#entry.path = Buffer.from(shown).toString();
  }

  /** The backend had a part in the request, so this moment counts as activity. */
  end(now: number): void {
    if (!this.#over) this.#entry.lastActive = now;
    this.neverReached();
  }

  /** The request ended before it reached the backend, so it does not count. */
  neverReached(): void {
    if (this.#over) return;
    this.#over = true;
    this.#entry.open -= 1;
    if (this.#entry.forgotten && this.#entry.open === 0) this.#backends.delete(this.#id);
  }
}

type Used = Pick<Entry, 'open' | 'lastActive' | 'upgrade' | 'path' | 'firstByteMs'>;
