import type { Clock } from '@spawner/domain';
import type { DroneHeartbeat } from '@spawner/proto/internal/telemetry';
import type { Activity } from '@spawner/proto/v1/backend';

/** A drone speaks every 2 seconds; what is older than this says nothing any more. */
const EXPIRES_MS = 10_000;
const MOST_BACKENDS = 200_000;

/**
 * The use of backends, as the drones of one cluster last reported it. It is bounded, and forgotten after 10 seconds. The only thing that a gateway remembers, and nothing depends on it but what people see.
 */
export class ActivityMemory {
  readonly #heard = new Map<string, { activity: Activity; at: number }>();
  readonly #cluster: string;
  readonly #clock: Clock;

  constructor(cluster: string, clock: Clock) {
    this.#cluster = cluster;
    this.#clock = clock;
  }

  take({ cluster, backends }: DroneHeartbeat): void {
    if (cluster !== this.#cluster) return;
    const at = this.#clock.now();
    for (const { id, activity } of backends) {
      // A Map keeps the order of insertion: taken out and put in again, the oldest stand first.
      this.#heard.delete(id);
      if (activity) this.#heard.set(id, { activity, at });
    }
    for (const [id, heard] of this.#heard) {
      if (this.#heard.size <= MOST_BACKENDS && at - heard.at <= EXPIRES_MS) break;
      this.#heard.delete(id);
    }
  }

  /** The last reported use of a backend, with its ages advanced to now. */
  of(id: string): Activity | undefined {
    const heard = this.#heard.get(id);
    if (!heard) return undefined;
    const age = Math.round(this.#clock.now() - heard.at);
    if (age > EXPIRES_MS) return undefined;
    const { openConnections, idleForMs, idleRemainingMs } = heard.activity;
    if (openConnections > 0) return { openConnections, idleForMs: 0 };
    return {
      openConnections,
      idleForMs: idleForMs + age,
      idleRemainingMs: idleRemainingMs === undefined ? undefined : Math.max(0, idleRemainingMs - age),
    };
  }

  get size(): number {
    return this.#heard.size;
  }
}
