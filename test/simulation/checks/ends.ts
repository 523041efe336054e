import type { BackendStatus } from '@spawner/proto/internal/backend_status';
import { EndReason } from '@spawner/proto/v1/backend';
import type { Container } from '../engine/container.ts';
import type { SimulatedDrone } from '../parts/drone.ts';
import type { World } from '../world/world.ts';

/** Reasons of ends that a program came to by itself. */
const BY_ITSELF: ReadonlySet<EndReason> = new Set([
  EndReason.EXITED,
  EndReason.FAILED,
  EndReason.START_ERROR,
  EndReason.LOAD_ERROR,
]);

/**
 * Invariant 4, of ends: each has the cause that it tells. A program that runs is not stopped as one that has ended by
 * itself, nothing ends by a fault of its agent's, no drone is said to lack what it has, and nothing is started once
 * its end was ordered.
 */
export class Ends {
  readonly #world: World;
  readonly #drones: readonly SimulatedDrone[];
  readonly #told = new WeakSet<Container>();

  constructor(world: World, drones: readonly SimulatedDrone[]) {
    this.#world = world;
    this.#drones = drones;
  }

  /** An agent asks its engine to start a program. */
  starting(drone: string, id: string): void {
    if (this.#life(drone, id)?.ending) this.#world.violate(`(4) ${id} is started though its end was ordered`);
  }

  /** A program is told to stop, or removed. */
  stopping(container: Container): void {
    if (this.#told.has(container) || container.state !== 'running') return;
    this.#told.add(container);
    const { reason = EndReason.UNSPECIFIED, detail = '' } =
      this.#life(container.drone, container.id)?.ending ?? {};
    if (BY_ITSELF.has(reason))
      this.#world.violate(`(4) ${container.id} runs, and is stopped as ${nameOf(reason)}: ${detail}`);
  }

  /** A record has ended. */
  ended(id: string, { endReason, endDetail }: BackendStatus, drone: string): void {
    if (endReason === EndReason.UNSPECIFIED) this.#world.violate(`(4) ${id} ended without a reason`);
    if (endDetail.startsWith('internal error'))
      this.#world.violate(`(4) ${id} ended by a fault of its agent`);
    const life = this.#life(drone, id);
    if (endReason === EndReason.DRONE_LOST && life && !life.ending)
      this.#world.violate(`(4) ${id} ended as lost though ${drone} has it: ${endDetail}`);
  }

  #life(drone: string, id: string) {
    return this.#drones.find(({ name }) => name === drone)?.agent?.drone.find(id)?.life;
  }
}

function nameOf(reason: EndReason): string {
  return Object.entries(EndReason).find(([, value]) => value === reason)?.[0] ?? String(reason);
}
