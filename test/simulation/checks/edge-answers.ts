import type { Container } from '../engine/container.ts';
import type { SimulatedDrone } from '../parts/drone.ts';
import type { EdgeOutcome } from '../parts/edge-request.ts';
import { KEYS } from '../parts/scheduler.ts';
import type { World } from '../world/world.ts';
import type { ReadStore } from './read-store.ts';
import type { Records } from './records.ts';

/**
 * Invariants `right-backend` and `true-end`: a request reaches only the backend that its host names, and gets 410 or 404
 * only after the end of that backend was committed.
 */
export class EdgeAnswers {
  readonly #world: World;
  readonly #records: Records;
  readonly #drones: readonly SimulatedDrone[];
  readonly #read: ReadStore;

  constructor(world: World, records: Records, drones: readonly SimulatedDrone[], read: ReadStore) {
    this.#world = world;
    this.#records = records;
    this.#drones = drones;
    this.#read = read;
  }

  /** `since` is when the request came. A backend that did not exist then may be unknown. */
  answered(proxy: string, id: string, { kind }: EdgeOutcome, since: number): void {
    if (kind !== 'gone' && kind !== 'unknown') return;
    if (this.#records.isPlaced(id, since) && !this.#records.hasEnded(id) && this.#lives(id))
      this.#world.violate('true-end', `${proxy} answered '${kind}' for ${id}, which lives`);
  }

  reached(proxy: string, id: string, container: Container): void {
    if (container.id !== id)
      this.#world.violate('right-backend', `${proxy} let a request for ${id} through to ${container.id}`);
  }

  /** A placement that a store lost before any drone had it is none. */
  #lives(id: string): boolean {
    if (this.#read(['HEXISTS', KEYS.routes, id]) === 1) return true;
    return this.#drones.some(({ engine }) => engine.containers.get(id)?.state === 'running');
  }
}
