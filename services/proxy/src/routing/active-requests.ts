import type { ActivityReport, LastExchange, ProxyActivity } from '@spawner/proto/internal/telemetry';
import { ActivityKind } from '@spawner/proto/v1/explanation';

const MOST_PATH = 128;

/**
 * Who is using which backend (ARCHITECTURE.md, "Idle"): exchanges that are open now, from the request's head to the
 * last byte of the answer or the later close of an upgraded connection's two sockets, and when the last
 * one was. Pure: times are the caller's clock in milliseconds. There is an entry for a backend only
 * while its route is known or something is open, so there are never more than routes and exchanges.
 */
export class Activity {
  readonly #backends = new Map<string, Entry>();
  readonly #startedAt: number;

  constructor(now: number) {
    this.#startedAt = now;
  }

  /** An exchange begins; exactly one of what it returns ends it, and a second call does nothing. */
  begin(id: string, droneId: string): Exchange {
    const entry: Entry = this.#backends.get(id) ?? { droneId, open: 0, forgotten: false };
    entry.droneId = droneId;
    entry.open += 1;
    entry.forgotten = false;
    this.#backends.set(id, entry);
    return new OpenExchange(this.#backends, id, entry);
  }

  /** The route has gone: its entry goes when nothing is open any more. */
  forget(id: string): void {
    const entry = this.#backends.get(id);
    if (!entry) return;
    entry.forgotten = true;
    if (entry.open === 0) this.#backends.delete(id);
  }

  open(id: string): number {
    return this.#backends.get(id)?.open ?? 0;
  }

  /** Every exchange that is open now. */
  get total(): number {
    let total = 0;
    for (const { open } of this.#backends.values()) total += open;
    return total;
  }

  /** How many backends have an entry. */
  get size(): number {
    return this.#backends.size;
  }

  /** What an agent that asks is told. Of a backend that we know nothing of, nothing was going on since we started. */
  of(id: string, now: number): ProxyActivity {
    return this.#activityOf(id, this.#backends.get(id) ?? { open: 0 }, now);
  }

  /** Whether nothing was going on since we started, as far as is known: the age of its activity is ours. */
  isUnused(id: string): boolean {
    const { open, lastActive } = this.#backends.get(id) ?? { open: 0 };
    return open === 0 && lastActive === undefined;
  }

  /** Per drone, the backends with something open or with an end less than `withinMs` ago. */
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

  #activityOf(id: string, entry: Used, now: number): ProxyActivity {
    const { open, lastActive = this.#startedAt } = entry;
    return { id, open, ageMs: open > 0 ? 0 : Math.max(0, Math.round(now - lastActive)), last: lastOf(entry) };
  }
}

/** One exchange under way. */
export interface Exchange {
  /** It has reached the backend: from now on it is the last one. */
  reached(upgrade: boolean, path: string): void;
  /** The backend had a part in it: this moment counts as activity. */
  end(now: number): void;
  /** It ended without having reached the backend: it counts for nothing. */
  neverReached(): void;
}

interface Entry {
  droneId: string;
  open: number;
  /** When an exchange that reached it ended last; nothing before the first. */
  lastActive?: number;
  forgotten: boolean;
  /** Of the exchange that reached it last. */
  upgrade?: boolean;
  path?: string;
}

class OpenExchange implements Exchange {
  readonly #backends: Map<string, Entry>;
  readonly #id: string;
  readonly #entry: Entry;
  #over = false;

  constructor(backends: Map<string, Entry>, id: string, entry: Entry) {
    this.#backends = backends;
    this.#id = id;
    this.#entry = entry;
  }

  reached(upgrade: boolean, path: string): void {
    this.#entry.upgrade = upgrade;
    this.#entry.path = shortPath(path);
  }

  end(now: number): void {
    if (!this.#over) this.#entry.lastActive = now;
    this.neverReached();
  }

  neverReached(): void {
    if (this.#over) return;
    this.#over = true;
    this.#entry.open -= 1;
    if (this.#entry.forgotten && this.#entry.open === 0) this.#backends.delete(this.#id);
  }
}

type Used = Pick<Entry, 'open' | 'lastActive' | 'upgrade' | 'path'>;

function lastOf({ upgrade, path }: Pick<Entry, 'upgrade' | 'path'>): LastExchange | undefined {
  if (path === undefined) return undefined;
  return { kind: upgrade ? ActivityKind.UPGRADE : ActivityKind.HTTP, path };
}

/** Without the query, which may hold secrets; a long one as a copy, so that the whole is not kept for its part. */
function shortPath(path: string): string {
  const query = path.indexOf('?');
  const end = query < 0 ? path.length : query;
  if (end === path.length && end <= MOST_PATH) return path;
  return Buffer.from(path.slice(0, Math.min(end, MOST_PATH))).toString();
}
