import { DEADLINES, STATES } from '@spawner/domain';
import type { SimulatedDrone } from '../parts/drone.ts';
import { KEYS } from '../parts/scheduler.ts';
import type { World } from '../world/world.ts';
import type { ReadStore } from './read-store.ts';
import type { Records } from './records.ts';

/** How long a store that lost everything waits for its drones, on the fastest clock. */
const LOST_MS = DEADLINES.leaseGiveAway / 1.1;

/**
 * Invariants `true-end` and `handed-over`. A client gets NOT_FOUND only for a backend that has ended or never was. A
 * spawn is answered as placed only when a drone has the backend.
 */
export class ClientAnswers {
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

  /**
   * A repeated spawn was answered with its own backend. If two calls run at once, the other one may still be handing it
   * over.
   */
  repeated(id: string): void {
    const [state, revision] = this.#read(['HMGET', KEYS.backend(id), 'state', 'revision']) as (
      | string
      | null
    )[];
    if (Number(state) !== STATES.SCHEDULED || Number(revision) > 0) return;
    if (!this.#drones.some(({ handed }) => handed.has(id)))
      this.#world.violate('handed-over', `${id} was answered as spawned, and was handed to no drone`);
  }

  storeLost(): void {
    this.#lostAt = this.#world.now;
  }

  /** `since` is when the call came. A lost store does not know the drone that stays away for longer than it waits. */
  notFound(id: string, since: number): void {
    if (!this.#records.isPlaced(id, since) || this.#records.hasEnded(id)) return;
    const drone = this.#drones.find(({ engine }) => engine.containers.get(id)?.state === 'running');
    if (!drone) return;
    const isKnown = this.#read(['HEXISTS', KEYS.nodes('drone'), drone.name]) === 1;
    if (isKnown || this.#world.now - this.#lostAt < LOST_MS)
      this.#world.violate('true-end', `a client got NOT_FOUND for ${id}, which runs on ${drone.name}`);
  }
}
