import type { SimulatedDrone } from '../parts/drone.ts';
import type { Random } from '../world/random.ts';
import type { World } from '../world/world.ts';

/** Machines that reboot: every program on them ends, and instants of the boot before mean nothing to the next agent. */
export class Reboots {
  readonly #world: World;
  readonly #drones: readonly SimulatedDrone[];
  readonly #random: Random;

  constructor(world: World, drones: readonly SimulatedDrone[]) {
    this.#world = world;
    this.#drones = drones;
    this.#random = world.stream('reboots');
  }

  /** Plans one in the next `ms`, or none. */
  plan(ms: number): void {
    const random = this.#random;
    if (!random.chance(0.15)) return;
    const drone = random.pick(this.#drones);
    this.#world.after(random.between(1_000, ms), () => {
      drone.reboot();
      this.#world.after(random.skewed(2_000, 40_000), () => {
        if (!drone.process) drone.start();
      });
    });
  }

  heal(): void {}
}
