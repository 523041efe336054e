import { backoffMs, type Clock } from '@spawner/domain';
import type { Log } from '@spawner/service';
import type { Drone } from './drone.ts';

/**
 * Compares the runtime with the journal: at the start, when the runtime says that something ended,
 * whenever its stream of events was broken, and every 10 s, because events get lost.
 */
export class Reconciler {
  readonly #drone: Drone;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #random: () => number;
  #strangers = new Set<string>();

  constructor(drone: Drone, clock: Clock, log: Log, random: () => number = Math.random) {
    this.#drone = drone;
    this.#clock = clock;
    this.#log = log;
    this.#random = random;
  }

  /**
   * Looks at every living backend, then removes what is left of others when it is seen a second time. One that cannot
   * be looked at or removed keeps no other from it; it is thrown in the end.
   */
  async all(): Promise<void> {
    const { runtime } = this.#drone;
    const outcomes = await Promise.allSettled(this.#drone.living().map((backend) => backend.look()));
    const ids = await runtime.list();
    const living = new Set(this.#drone.living().map(({ id }) => id));
    const strangers = ids.filter((id) => !living.has(id));
    for (const id of strangers.filter((id) => this.#strangers.has(id))) {
      this.#log.warn({ backend: id }, 'removing what the journal does not know as living');
      outcomes.push(...(await Promise.allSettled([runtime.remove(id)])));
    }
    this.#strangers = new Set(strangers);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /** Follows the runtime's events until the signal aborts, with back-off where the runtime is away. */
  async follow(signal: AbortSignal): Promise<void> {
    for (let attempt = 0; !signal.aborted; attempt++) {
      const began = this.#clock.now();
      try {
        await this.#drone.runtime.watch((id) => this.look(id), signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#log.warn({ error }, "the runtime's events ended; following them again");
      }
      if (this.#clock.now() - began > 5_000) attempt = 0;
      await this.#clock.sleep(backoffMs(attempt, this.#random, { maxMs: 1_000 }), signal).catch(() => {});
    }
  }

  /** Looks at one backend, or without an id at all, at once and without waiting. */
  look(id?: string): void {
    const work = id === undefined ? this.all() : this.#drone.find(id)?.look();
    work?.catch((error: unknown) => this.#log.warn({ error, backend: id }, 'looking failed'));
  }
}
