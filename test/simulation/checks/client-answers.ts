import { DEADLINES, STATES } from '@spawner/domain';
import type { SimulatedDrone } from '../parts/drone.ts';
import { KEYS } from '../parts/scheduler.ts';
import type { World } from '../world/world.ts';
import type { ReadStore } from './read-store.ts';
import type { Records } from './records.ts';

/** On the fastest clock, a store that lost everything waits for its drones for so long. */
const LOST_MS = DEADLINES.leaseGiveAway / 1.1;

/**
 * Invariants 3 and 5, of what clients are told: of a backend that it is not there only where it has ended or never was, and
 * of a spawn that it is done only when a drone has it.
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

  /** A spawn that was sent again was answered with its own backend; of one that came twice the other may be under way. */
  spawned(id: string): void {
    const [state, revision] = this.#read(['HMGET', KEYS.backend(id), 'state', 'revision']) as (
      | string
      | null
    )[];
    if (Number(state) !== STATES.SCHEDULED || Number(revision) > 0) return;
    if (!this.#drones.some(({ handed }) => handed.has(id)))
      this.#world.violate(`(5) ${id} was answered as spawned, and nobody has handed it to a drone`);
  }

  storeLost(): void {
    this.#lostAt = this.#world.now;
  }

  /** `since` is when the call came. A drone that a store has lost, and that stays away for longer than that store waits, is not known to have it. */
  notFound(id: string, since: number): void {
    if (!this.#records.isPlaced(id, since) || this.#records.hasEnded(id)) return;
    const drone = this.#drones.find(({ engine }) => engine.containers.get(id)?.state === 'running');
    if (!drone) return;
    const isKnown = this.#read(['HEXISTS', KEYS.nodes('drone'), drone.name]) === 1;
    if (isKnown || this.#world.now - this.#lostAt < LOST_MS)
      this.#world.violate(`(3) a client was told that ${id} is not there, which runs on ${drone.name}`);
  }
}
