import { backoffMs } from '@spawner/domain';
import type { Drone, DroneParts } from './drone.ts';

type ReconcilerParts = Pick<DroneParts, 'clock' | 'log' | 'random'>;

/**
 * Compares the runtime with the journal: at the start, when the runtime reports an end, when its event stream has broken,
 * and every 10 s, because events get lost.
 */
export class Reconciler {
  readonly #drone: Drone;
  readonly #parts: ReconcilerParts;
  #strangers = new Set<string>();

  constructor(drone: Drone, parts: ReconcilerParts) {
    this.#drone = drone;
    this.#parts = parts;
  }

  /**
   * Looks at every living backend, then removes programs that the journal does not know as living, when they are seen a
   * second time. A failure does not keep the others from being looked at; the first one is thrown at the end.
   */
  async all(): Promise<void> {
    const { runtime } = this.#drone;
    const outcomes = await Promise.allSettled(this.#drone.living().map((backend) => backend.look()));
    const ids = await runtime.list();
    const living = new Set(this.#drone.living().map(({ id }) => id));
    const strangers = ids.filter((id) => !living.has(id));
    for (const id of strangers.filter((id) => this.#strangers.has(id))) {
      this.#parts.log.warn({ backend: id }, 'removing a program that the journal does not know as living');
      outcomes.push(...(await Promise.allSettled([runtime.remove(id)])));
    }
    this.#strangers = new Set(strangers);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /** Follows the runtime's events until the signal aborts, with back-off while the runtime is away. */
  async follow(signal: AbortSignal): Promise<void> {
    const { clock, log, random = Math.random } = this.#parts;
    for (let attempt = 0; !signal.aborted; attempt++) {
      const began = clock.now();
      try {
        await this.#drone.runtime.watch((id) => this.look(id), signal);
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ error }, "the runtime's event stream ended; it is followed again");
      }
      if (clock.now() - began > 5_000) attempt = 0;
      await clock.sleep(backoffMs(attempt, random, { maxMs: 1_000 }), signal).catch(() => {});
    }
  }

  /** Looks at one backend, or without an id at all of them, without waiting for the outcome. */
  look(id?: string): void {
    const work = id === undefined ? this.all() : this.#drone.find(id)?.look();
    work?.catch((error: unknown) =>
      this.#parts.log.warn({ error, backend: id }, 'a look at the runtime failed'),
    );
  }
}
