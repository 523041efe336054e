import { DEADLINES } from '@spawner/domain';
import type { SimulatedDrone } from '../parts/drone.ts';
import { KEYS } from '../parts/scheduler.ts';
import type { World } from '../world/world.ts';
import type { ReadStore } from './read-store.ts';

/** A start that was never measured is taken to last this long (libs/store/src/lua/library/drones.lua). */
const USUAL_MS = 1_000;
const FIELDS = [
  ...['places', 'pending', 'start_ms', 'unreported', 'refused'],
  ...['backends', 'reserved_backends', 'memory', 'reserved_memory', 'cpu', 'reserved_cpu'],
];

interface Seen {
  readonly waitMs: number;
  readonly isOpen: boolean;
}

/**
 * Invariant `soonest-start`: a placement is on no drone that would have the backend ready in more than twice the time that
 * another one with room needs, and a second. That is the most that the scheduler may leave to the load.
 */
export class Placements {
  readonly #world: World;
  readonly #read: ReadStore;
  readonly #drones: readonly SimulatedDrone[];

  constructor(world: World, read: ReadStore, drones: readonly SimulatedDrone[]) {
    this.#world = world;
    this.#read = read;
    this.#drones = drones;
  }

  /** A backend was placed on this drone a moment ago; it counts there already. */
  placed(id: string, drone: string): void {
    const { waitMs } = this.#look(drone, 1);
    for (const { name } of this.#drones) {
      const other = name === drone ? undefined : this.#look(name, 0);
      if (!other?.isOpen || waitMs <= 2 * other.waitMs + USUAL_MS) continue;
      this.#world.violate(
        'soonest-start',
        `${id} is expected in ${waitMs} ms on ${drone}, and would be in ${other.waitMs} ms on ${name}`,
      );
    }
  }

  /** When one more backend would be ready there, without the `placed` ones that came a moment ago. */
  #look(drone: string, placed: number): Seen {
    const values = this.#read(['HMGET', KEYS.drone(drone), ...FIELDS]) as (string | null)[];
    const [places = 0, pending = 0, startMs = 0, unreported = 0] = values.map(Number);
    const [backends = 0, usedBackends = 0, memory = 0, usedMemory = 0, cpu = 0, usedCpu = 0] = values
      .slice(5)
      .map(Number);
    const member = `drone/${drone}`;
    const renewed = this.#read(['HGET', KEYS.renewals, member]) as string | null;
    const age = Number(this.#read(['HGET', KEYS.clock, 'now'])) - Number(renewed ?? 0);
    const isAdmitted = this.#read(['ZSCORE', KEYS.load, drone]) !== null;
    // Proxies take its backends for unreachable until it is heard of again.
    const isSilent = Number(this.#read(['HEXISTS', KEYS.routes, member])) === 1;
    const start = startMs || USUAL_MS;
    const ahead = places === 0 ? 0 : Math.max(0, pending + unreported - placed + 1 - places);
    return {
      waitMs: start + (ahead * start) / (places || 1),
      // With room for the largest backend of a client, a drone is surely not full.
      isOpen:
        isAdmitted &&
        !isSilent &&
        age <= DEADLINES.renewalsMissed &&
        values[4] !== renewed &&
        usedBackends < backends &&
        usedMemory <= memory / 2 &&
        usedCpu <= cpu / 2,
    };
  }
}
