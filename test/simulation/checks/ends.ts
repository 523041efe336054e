import type { BackendStatus } from '@spawner/proto/internal/backend_status';
import { EndReason } from '@spawner/proto/v1/backend';
import type { Container } from '../engine/container.ts';
import type { SimulatedDrone } from '../parts/drone.ts';
import type { World } from '../world/world.ts';

/** The reasons of ends that a program comes to by itself. */
const BY_ITSELF: ReadonlySet<EndReason> = new Set([
  EndReason.EXITED,
  EndReason.FAILED,
  EndReason.START_ERROR,
  EndReason.LOAD_ERROR,
]);

/**
 * Invariants `end-cause` and `late-start`: every end has the cause that it reports. A program that runs is not stopped as
 * one that ended by itself, and nothing ends by a fault of its agent. No drone is said to lack a backend that it has, and
 * nothing is started after its end was ordered.
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
    if (this.#life(drone, id)?.ending)
      this.#world.violate('late-start', `${id} is started though its end was ordered`);
  }

  /** A program gets its stop signal, or is removed. */
  stopping(container: Container): void {
    if (this.#told.has(container) || container.state !== 'running') return;
    const { engine } = this.#drones.find(({ name }) => name === container.drone) ?? {};
    // Without its network a program runs on, and failed all the same.
    if (engine?.isSevered(container)) return;
    this.#told.add(container);
    const { reason = EndReason.UNSPECIFIED, detail = '' } =
      this.#life(container.drone, container.id)?.ending ?? {};
    if (BY_ITSELF.has(reason))
      this.#world.violate(
        'end-cause',
        `${container.id} runs, and is stopped as ${nameOf(reason)}: ${detail}`,
      );
  }

  /** A record has ended. */
  ended(id: string, { endReason, endDetail }: BackendStatus, drone: string): void {
    if (endReason === EndReason.UNSPECIFIED) this.#world.violate('end-cause', `${id} ended without a reason`);
    if (endDetail.startsWith('internal error'))
      this.#world.violate('end-cause', `${id} ended by a fault of its agent`);
    const life = this.#life(drone, id);
    if (endReason === EndReason.DRONE_LOST && life && !life.ending)
      this.#world.violate('end-cause', `${id} ended as lost though ${drone} has it: ${endDetail}`);
  }

  #life(drone: string, id: string) {
    return this.#drones.find(({ name }) => name === drone)?.agent?.drone.find(id)?.life;
  }
}

function nameOf(reason: EndReason): string {
  return Object.entries(EndReason).find(([, value]) => value === reason)?.[0] ?? String(reason);
}
