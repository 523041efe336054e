import type { EngineRequest } from '../engine/engine.ts';
import type { SimulatedDrone } from '../parts/drone.ts';
import type { Random } from '../world/random.ts';
import type { World } from '../world/world.ts';

const REQUESTS = ['create', 'create', 'start', 'signal', 'remove', 'make', 'unmake', 'unmake'] as const;

/** Engines that are slow to answer for a while, and agents that are restarted meanwhile. */
export class EngineFaults {
  readonly #world: World;
  readonly #drones: readonly SimulatedDrone[];
  readonly #random: Random;
  #healed = false;

  constructor(world: World, drones: readonly SimulatedDrone[]) {
    this.#world = world;
    this.#drones = drones;
    this.#random = world.stream('engines');
  }

  /** Plans those of the next `ms`. */
  plan(ms: number): void {
    const random = this.#random;
    if (!random.chance(0.4)) return;
    for (let count = 1 + random.below(2); count > 0; count--) {
      const drone = random.pick(this.#drones);
      const lasts = random.between(5_000, 30_000);
      this.#world.after(random.between(0, ms), () => {
        this.#world.note('busy', drone.name);
        drone.engine.busy = true;
        this.#world.after(lasts, () => {
          drone.engine.busy = false;
        });
        if (random.chance(0.35)) this.#restart(drone, random.between(0, lasts));
        else if (random.chance(0.7)) this.#restartAsItAsks(drone, random.pick(REQUESTS));
      });
    }
  }

  heal(): void {
    this.#healed = true;
    for (const { engine } of this.#drones) {
      engine.busy = false;
      engine.asked = () => {};
    }
  }

  /**
   * Restarts the agent at its next such request. The request is carried out, and the report before it may or may not have
   * arrived.
   */
  #restartAsItAsks(drone: SimulatedDrone, request: EngineRequest): void {
    drone.engine.asked = (what) => {
      if (what !== request) return;
      drone.engine.asked = () => {};
      this.#restart(drone, this.#random.skewed(0.1, 10));
    };
  }

  #restart(drone: SimulatedDrone, after: number): void {
    this.#world.after(after, () => {
      if (this.#healed || !drone.process) return;
      drone.crash();
      this.#world.after(this.#random.skewed(1_000, 5_000), () => {
        if (!drone.process) drone.start();
      });
    });
  }
}
