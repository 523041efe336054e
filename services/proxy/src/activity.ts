import type { ActivityReport, ProxyActivity } from '@spawner/proto/internal/telemetry';

/**
 * Who is using which backend (design §4): exchanges that are open now, from the request's head to the
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
    const entry = this.#backends.get(id) ?? {
      droneId,
      open: 0,
      lastActive: this.#startedAt,
      forgotten: false,
    };
    entry.droneId = droneId;
    entry.open += 1;
    entry.forgotten = false;
    this.#backends.set(id, entry);
    let over = false;
    const end = (then: () => void) => {
      if (over) return;
      over = true;
      entry.open -= 1;
      then();
      if (entry.forgotten && entry.open === 0) this.#backends.delete(id);
    };
    return {
      end: (now) =>
        end(() => {
          entry.lastActive = now;
        }),
      neverReached: () => end(() => {}),
    };
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
    const entry = this.#backends.get(id) ?? { open: 0, lastActive: this.#startedAt };
    return activityOf(id, entry, now);
  }

  /** Per drone, the backends with something open or with an end less than `withinMs` ago. */
  report(now: number, withinMs: number): Map<string, ActivityReport['backends']> {
    const drones = new Map<string, ActivityReport['backends']>();
    for (const [id, entry] of this.#backends) {
      const activity = activityOf(id, entry, now);
      if (activity.ageMs >= withinMs) continue;
      const backends = drones.get(entry.droneId) ?? [];
      backends.push(activity);
      drones.set(entry.droneId, backends);
    }
    return drones;
  }
}

/** One exchange under way. */
export interface Exchange {
  /** The backend had a part in it: this moment counts as activity. */
  end(now: number): void;
  /** It ended without having reached the backend: it counts for nothing. */
  neverReached(): void;
}

interface Entry {
  droneId: string;
  open: number;
  lastActive: number;
  forgotten: boolean;
}

function activityOf(id: string, { open, lastActive }: Pick<Entry, 'open' | 'lastActive'>, now: number) {
  return { id, open, ageMs: open > 0 ? 0 : Math.max(0, Math.round(now - lastActive)) };
}
