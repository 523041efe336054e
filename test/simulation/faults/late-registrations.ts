import type { RpcLinks } from '../links/rpc-link.ts';
import type { SimulatedDrone } from '../parts/drone.ts';
import type { Random } from '../world/random.ts';
import type { World } from '../world/world.ts';

/** Longer than a node waits for the answer, on the slowest clock: it has registered again by then. */
const LATE_MS = [6_000, 15_000] as const;

/**
 * Registrations that arrive after a later one of the same drone. Its inventory lacks what was placed there in between. A
 * storm delays a registration this long too, but hardly ever that one message of thousands.
 */
export class LateRegistrations {
  readonly #world: World;
  readonly #rpc: RpcLinks;
  readonly #drones: readonly SimulatedDrone[];
  readonly #random: Random;

  constructor(world: World, rpc: RpcLinks, drones: readonly SimulatedDrone[]) {
    this.#world = world;
    this.#rpc = rpc;
    this.#drones = drones;
    this.#random = world.stream('late registrations');
  }

  /** Plans one in the next `ms`, or none. */
  plan(ms: number): void {
    const random = this.#random;
    if (!random.chance(0.25)) return;
    const drone = random.pick(this.#drones);
    this.#world.after(random.between(1_000, ms), () => {
      if (!drone.process) return;
      this.#rpc.late = (caller, method) => this.#delay(drone.name, caller, method);
      drone.crash();
      this.#world.after(random.between(200, 2_000), () => {
        if (!drone.process) drone.start();
      });
    });
  }

  heal(): void {
    this.#rpc.late = () => 0;
  }

  #delay(drone: string, caller: string, method: string): number {
    if (caller !== drone || method !== 'registerNode') return 0;
    this.#rpc.late = () => 0;
    this.#world.note('late registration', drone);
    return this.#random.between(...LATE_MS);
  }
}
