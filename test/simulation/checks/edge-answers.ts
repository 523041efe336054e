import { STATES } from '@spawner/domain';
import type { Container } from '../engine/container.ts';
import { BOUNDS } from '../healing/bounds.ts';
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
  #lostAt = Number.NEGATIVE_INFINITY;

  constructor(world: World, records: Records, drones: readonly SimulatedDrone[], read: ReadStore) {
    this.#world = world;
    this.#records = records;
    this.#drones = drones;
    this.#read = read;
  }

  /** `since` is when the request came. A backend that did not exist then may be unknown. */
  answered(proxy: string, id: string, { kind }: EdgeOutcome, since: number): void {
    if (kind !== 'gone' && kind !== 'unknown') return;
    if (this.#records.isPlaced(id, since) && !this.#isOver(id))
      this.#world.violate('true-end', `${proxy} answered '${kind}' for ${id}, which lives`);
  }

  storeLost(): void {
    this.#lostAt = this.#world.now;
  }

  reached(proxy: string, id: string, container: Container): void {
    if (container.id !== id)
      this.#world.violate('right-backend', `${proxy} let a request for ${id} through to ${container.id}`);
  }

  /**
   * Whether its end is committed. A lost store may have had an end, or a placement that no drone has. That counts until a proxy
   * has to have read the store again.
   */
  #isOver(id: string): boolean {
    const [state, edge] = this.#read(['HMGET', KEYS.backend(id), 'state', 'edge']) as (string | null)[];
    if (Number(state ?? 0) >= STATES.TERMINATING || edge === 'ended') return true;
    if (!this.#records.isPlaced(id, this.#lostAt)) return false;
    if (!this.#isThere(id)) return state === null || this.#isRefilling();
    return this.#records.hasEnded(id) && this.#isRefilling();
  }

  #isRefilling(): boolean {
    return this.#world.now - this.#lostAt < BOUNDS.refilled;
  }

  /** Whether a drone has it and is not to end it. */
  #isThere(id: string): boolean {
    return this.#drones.some(({ agent, engine }) => {
      const life = agent?.drone.find(id)?.life;
      return life ? !life.ending : engine.containers.get(id)?.state === 'running';
    });
  }
}
