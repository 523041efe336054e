import type { Clock } from '@spawner/domain';
import type { DroneQueue } from '@spawner/proto/internal/telemetry';
import type { PullProgress } from '@spawner/proto/v1/backend';

/** A drone tells its queue once a second, so an older message says nothing any more. */
const EXPIRES_MS = 5_000;
/** The most positions that are kept. A drone whose queue does not fit is left out. */
const MOST = 100_000;

/** A place in the queue of a drone: 1 is next. */
export interface QueuePosition {
  readonly position: number;
  /** Until the backend is expected to be ready; undefined if its drone cannot tell. */
  readonly expectedWaitMs: number | undefined;
}

interface Heard {
  readonly droneId: string;
  readonly at: number;
  readonly place?: QueuePosition;
  readonly pull?: PullProgress;
}

/** A drone that pulls no image may leave `pulling` out. */
type Told = Omit<DroneQueue, 'pulling'> & Partial<Pick<DroneQueue, 'pulling'>>;

/**
 * The positions of starts that wait and the progress of their pulls, as the drones of one cluster last told them. They are hints:
 * bounded, forgotten soon, and nothing depends on them but what people see.
 */
export class QueuePositions {
  readonly #heard = new Map<string, Heard>();
  /** The ids of each drone's last message. The drone that was heard longest ago is first. */
  readonly #drones = new Map<string, { readonly at: number; readonly ids: readonly string[] }>();
  readonly #followers = new Map<string, Set<() => void>>();
  readonly #cluster: string;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(cluster: string, clock: Pick<Clock, 'now'>) {
    this.#cluster = cluster;
    this.#clock = clock;
  }

  get size(): number {
    return this.#heard.size;
  }

  take({ droneId, cluster, waiting, pulling = [] }: Told): void {
    if (cluster !== this.#cluster) return;
    const at = this.#clock.now();
    for (const [drone, last] of this.#drones) {
      if (at - last.at <= EXPIRES_MS) break;
      this.#forget(drone);
    }
    const before = this.#forget(droneId);
    const fits = this.#heard.size + waiting.length + pulling.length <= MOST;
    const ids = fits ? [...waiting, ...pulling].map(({ id }) => id) : [];
    if (fits) {
      for (const [index, { id, expectedWaitMs }] of waiting.entries())
        this.#heard.set(id, { droneId, at, place: { position: index + 1, expectedWaitMs } });
      for (const { id, pull } of pulling) this.#heard.set(id, { droneId, at, pull });
    }
    if (ids.length > 0) this.#drones.set(droneId, { at, ids });
    if (this.#followers.size === 0) return;
    for (const id of new Set([...before, ...ids])) for (const take of this.#followers.get(id) ?? []) take();
  }

  /** The position of a backend, with its wait shortened to now. */
  of(id: string): QueuePosition | undefined {
    const { place, age = 0 } = this.#present(id) ?? {};
    if (!place) return undefined;
    const { position, expectedWaitMs } = place;
    return { position, expectedWaitMs: expectedWaitMs && Math.max(0, expectedWaitMs - age) };
  }

  /** The pull that a backend waits for. */
  pullOf(id: string): PullProgress | undefined {
    return this.#present(id)?.pull;
  }

  /** Calls `take` whenever the position or the pull of a backend may have changed, until the result is closed. */
  follow(id: string, take: () => void): { close(): void } {
    const followers = this.#followers.get(id) ?? new Set();
    this.#followers.set(id, followers.add(take));
    return {
      close: () => {
        followers.delete(take);
        if (followers.size === 0 && this.#followers.get(id) === followers) this.#followers.delete(id);
      },
    };
  }

  #present(id: string) {
    const heard = this.#heard.get(id);
    if (!heard) return undefined;
    const age = Math.round(this.#clock.now() - heard.at);
    return age > EXPIRES_MS ? undefined : { ...heard, age };
  }

  #forget(drone: string): readonly string[] {
    const { ids = [] } = this.#drones.get(drone) ?? {};
    this.#drones.delete(drone);
    for (const id of ids) if (this.#heard.get(id)?.droneId === drone) this.#heard.delete(id);
    return ids;
  }
}
