import { EndReason } from '@spawner/proto/v1/backend';
import type { SimulatedDrone } from '../parts/drone.ts';
import type { SimulatedProxy } from '../parts/proxy.ts';
import type { Container } from '../world/container.ts';
import type { World } from '../world/world.ts';

/**
 * Invariant 2: no end for idleness while any proxy, listed or not, partitioned or not, has an exchange open to
 * the backend. Looked at when the end is written and when the program is told.
 */
export class Idleness {
  readonly #world: World;
  readonly #drones: readonly SimulatedDrone[];
  readonly #proxies: readonly SimulatedProxy[];
  readonly #told = new WeakSet<Container>();

  constructor(world: World, drones: readonly SimulatedDrone[], proxies: readonly SimulatedProxy[]) {
    this.#world = world;
    this.#drones = drones;
    this.#proxies = proxies;
  }

  /** The store has taken an end for idleness. */
  settled(id: string): void {
    for (const proxy of this.#proxies) {
      const open = proxy.entrance?.activity.open(id) ?? 0;
      if (open > 0) this.#world.violate(`(2) ${id} was ended as idle while ${proxy.name} has ${open} open`);
    }
  }

  /** A program is told to stop, or removed. */
  stopping(container: Container): void {
    if (this.#told.has(container) || container.state !== 'running') return;
    this.#told.add(container);
    const drone = this.#drones.find(({ name }) => name === container.drone);
    const reason = drone?.agent?.drone.find(container.id)?.life.ending?.reason;
    if (reason === EndReason.IDLE && container.connections.size > 0)
      this.#world.violate(
        `(2) ${container.id} is stopped as idle with ${container.connections.size} connected`,
      );
  }
}
