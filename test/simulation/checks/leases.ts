import type { SimulatedDrone } from '../parts/drone.ts';
import { KEYS } from '../parts/scheduler.ts';
import type { World } from '../world/world.ts';
import type { ReadStore } from './read-store.ts';

/**
 * Invariant `lease`, as the store keeps it: a lease runs from the last renewal, which nothing sets back. Whatever counts
 * on a drone has a deadline that ends it after the last renewal.
 */
export class Leases {
  readonly #world: World;
  readonly #read: ReadStore;
  readonly #drones: readonly { name: string; member: string }[];
  readonly #renewed = new Map<string, number>();

  constructor(world: World, read: ReadStore, drones: readonly SimulatedDrone[]) {
    this.#world = world;
    this.#read = read;
    this.#drones = drones.map(({ name }) => ({ name, member: `drone/${name}` }));
  }

  storeLost(): void {
    this.#renewed.clear();
  }

  /** A script has run. */
  carriedOut(script: string | undefined): void {
    const renewals = this.#read.hash(KEYS.renewals);
    for (const { name, member } of this.#drones) {
      const renewed = renewals?.get(member);
      const before = this.#renewed.get(name) ?? 0;
      if (renewed === undefined) this.#renewed.delete(name);
      else if (Number(renewed) < before)
        this.#world.violate(
          'lease',
          `${script} set the last renewal of ${name} back from ${before} to ${renewed}`,
        );
      else this.#renewed.set(name, Number(renewed));
    }
  }

  /** A record counts among the living of a drone. */
  living(id: string, drone: string): void {
    const due = this.#read(['ZMSCORE', KEYS.due, `lease/${drone}`, `drone/${drone}`]) as (string | null)[];
    if (due.every((at) => at === null))
      this.#world.violate('lease', `${id} is of ${drone}, whose lease has no end`);
  }
}
