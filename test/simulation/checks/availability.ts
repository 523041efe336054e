import { STATES } from '@spawner/domain';
import { type BackendKey, EndReason } from '@spawner/proto/v1/backend';
import { keyHash } from '@spawner/store';
import { BOUNDS } from '../healing/bounds.ts';
import type { Unmet } from '../healing/unmet.ts';
import type { SimulatedDrone } from '../parts/drone.ts';
import type { EdgeOutcome } from '../parts/edge-request.ts';
import { KEYS } from '../parts/scheduler.ts';
import type { World } from '../world/world.ts';
import type { ReadStore } from './read-store.ts';
import type { Records } from './records.ts';
import type { Admission } from './token-access.ts';

/** The state of a backend when a request came. Its answer is judged by that. */
export interface Asked {
  readonly since: number;
  /** It came to a living backend that was READY, in a healed world. */
  readonly ready: boolean;
  readonly token: string | undefined;
  /** Whether its token had to let it in. */
  readonly admission: Admission;
}

/** Answers to a request for a backend that is not READY yet. */
const WAITS: ReadonlySet<EdgeOutcome['kind']> = new Set(['forward', 'late', 'waiting', 'left']);

/**
 * Availability in a healed world. A request to a READY backend reaches it within a second, and one to a backend that starts
 * is held. A spawn succeeds while a drone has room, and its backend becomes READY unless its own program or image fails.
 */
export class Availability {
  readonly #world: World;
  readonly #records: Records;
  readonly #drones: readonly SimulatedDrone[];
  readonly #read: ReadStore;
  /** Backends that were spawned in the healed world, and when each must be READY. */
  readonly #starting = new Map<string, number>();
  readonly #askedAt = new Map<string, number>();
  #healed = false;
  #since = Number.POSITIVE_INFINITY;

  constructor(world: World, records: Records, drones: readonly SimulatedDrone[], read: ReadStore) {
    this.#world = world;
    this.#records = records;
    this.#drones = drones;
    this.#read = read;
  }

  /** From now on everything works, and must be available. */
  begin(): void {
    this.#healed = true;
    this.#since = this.#world.now;
  }

  /** True time at which that began; infinite before. */
  get since(): number {
    return this.#since;
  }

  get judges(): boolean {
    return this.#healed;
  }

  /** A request comes. */
  asked(id: string, token: string | undefined, admission: Admission): Asked {
    this.#askedAt.set(id, this.#world.now);
    const ready = this.#healed && this.#lives(id) && this.#records.stateOf(id) === STATES.READY;
    return { since: this.#world.now, ready, token, admission };
  }

  /** True time at which a request for it came or was answered last; 0 for never. */
  askedAt(id: string): number {
    return this.#askedAt.get(id) ?? 0;
  }

  answered(proxy: string, id: string, { kind }: EdgeOutcome, { since, ready }: Asked): void {
    this.#askedAt.set(id, this.#world.now);
    if (kind === 'forward' && this.#world.now > since) this.#world.count('requests-held');
    if (!this.#healed || kind === 'left' || !this.#lives(id)) return;
    // A navigation with a good token in its address comes again with a cookie.
    if (kind === 'handed over') return;
    const ms = Math.round(this.#world.now - since);
    if (ready && (kind !== 'forward' || ms > BOUNDS.request))
      this.#world.violate(
        'availability',
        `${proxy} answered '${kind}' after ${ms} ms for ${id}, which was READY`,
      );
    else if (!WAITS.has(kind))
      this.#world.violate('availability', `${proxy} answered '${kind}' for ${id}, which is starting`);
    else if (ready) this.#world.count('healed-requests');
  }

  /** A request was let through, and no program was there. */
  unreached(proxy: string, id: string, { ready }: Asked): void {
    if (ready && this.#lives(id))
      this.#world.violate('availability', `${proxy} could not connect to ${id}, which was READY`);
  }

  /** A spawn was answered with a backend of its own. */
  spawned(id: string): void {
    if (this.#healed) this.#starting.set(id, this.#world.now + BOUNDS.ready);
  }

  /** A spawn failed, with this error. `roomBefore` tells whether a drone had room when it came. */
  notSpawned(error: Error, roomBefore: boolean, key: BackendKey | undefined): void {
    if (!this.#healed || (key && this.#isLost(key))) return;
    if (isExhausted(error) && !(roomBefore && this.hasRoom())) return;
    this.#world.violate('availability', `a spawn failed: ${error.message}`);
  }

  /** Whether the holder of the key was ordered to end on a drone that is lost. It holds the key until the drone is given up. */
  #isLost(key: BackendKey): boolean {
    const holder = this.#read(['GET', KEYS.key(keyHash(key))]) as string | null;
    const drone = holder === null ? null : this.#read(['HGET', KEYS.backend(holder), 'drone']);
    return this.#drones.some(({ name, engine }) => name === drone && engine.gone);
  }

  /** Whether a drone that is there could take one more of the backends that clients ask for. */
  hasRoom(): boolean {
    return this.#drones.some(({ name, engine }) => {
      if (engine.gone) return false;
      const fields = ['backends', 'reserved_backends'];
      const [most, reserved] = this.#read(['HMGET', KEYS.drone(name), ...fields]) as (string | null)[];
      return Number(reserved ?? 0) < Number(most ?? 0);
    });
  }

  /**
   * The first of the spawned backends that is not READY yet. A backend that ended through no fault of its program stays
   * in the list, and breaks its bound.
   */
  starting(): Unmet | undefined {
    for (const [id, by] of this.#starting) {
      if (this.#records.readyAt(id) !== undefined || this.#mayEnd(id)) this.#starting.delete(id);
      else return { invariant: 'availability', message: `${id} was spawned and is not READY`, by };
      if (this.#records.readyAt(id) !== undefined) this.#world.count('healed-spawns');
    }
    return undefined;
  }

  /** Whether it has ended before it was READY, because a client or its own program wanted it. */
  #mayEnd(id: string): boolean {
    const end = this.#records.endOf(id);
    if (!end) return this.#records.hasEnded(id) && this.#isStopping(id);
    if (end.reason === EndReason.REQUESTED) return true;
    return this.#drones.some(({ engine }) => engine.failed.has(id)) || end.reason === EndReason.LOAD_ERROR;
  }

  #isStopping(id: string): boolean {
    return this.#drones.some(({ agent }) => agent?.drone.find(id)?.life.ending !== undefined);
  }

  #lives(id: string): boolean {
    if (this.#records.hasEnded(id)) return false;
    return this.#drones.some(({ engine }) => engine.containers.get(id)?.state === 'running');
  }
}

function isExhausted(error: Error): boolean {
  return (error as { code?: string }).code === 'exhausted';
}
