import type { SimulatedDrone } from '../parts/drone.ts';
import type { Random } from '../world/random.ts';
import type { World } from '../world/world.ts';

const KINDS = ['dies', 'dies', 'removed', 'removed', 'engine'] as const;

/** Holders that die or are removed from outside, mostly under a backend, and engines that restart without their containers. */
export class SandboxFaults {
  readonly #world: World;
  readonly #drones: readonly SimulatedDrone[];
  readonly #random: Random;
  #healed = false;

  constructor(world: World, drones: readonly SimulatedDrone[]) {
    this.#world = world;
    this.#drones = drones;
    this.#random = world.stream('sandboxes');
  }

  /** Plans those of the next `ms`. */
  plan(ms: number): void {
    const random = this.#random;
    if (!random.chance(0.35)) return;
    for (let count = 1 + random.below(3); count > 0; count--)
      this.#world.after(random.between(2_000, ms), () => {
        if (!this.#healed) this.#happen(random.pick(this.#drones), random.pick(KINDS));
      });
  }

  heal(): void {
    this.#healed = true;
  }

  #happen({ engine }: SimulatedDrone, kind: (typeof KINDS)[number]): void {
    if (kind === 'engine') {
      this.#world.note('engine restarts', engine.drone);
      engine.restart();
      return;
    }
    const all = [...engine.holders.all.values()];
    const used = all.filter(
      ({ user }) => user !== undefined && engine.containers.get(user)?.state === 'running',
    );
    const some = used.length > 0 && this.#random.chance(0.7) ? used : all;
    if (some.length > 0) engine.endHolder(this.#random.pick(some).id, kind === 'removed');
  }
}
