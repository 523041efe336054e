import { STATES } from '@spawner/domain';
import { BackendStatus } from '@spawner/proto/internal/backend_status';
import { EndReason } from '@spawner/proto/v1/backend';
import type { Container } from '../engine/container.ts';
import { KEYS } from '../parts/scheduler.ts';
import type { World } from '../world/world.ts';
import type { Ends } from './ends.ts';
import type { Leases } from './leases.ts';
import type { ReadStore } from './read-store.ts';

const NONE: ReadonlySet<string> = new Set();

interface Known {
  drone: string;
  state: number;
  edge: string;
}

/**
 * Invariants of records: no id starts twice, every record ends once and for a true reason (ends.ts), and the reservations
 * of a drone are the sum of its living records.
 */
export class Records {
  readonly #world: World;
  readonly #read: ReadStore;
  readonly #ends: Ends;
  readonly #drones: readonly string[];
  readonly #leases: Leases;
  readonly #known = new Map<string, Known>();
  readonly #placedAt = new Map<string, number>();
  readonly #ended = new Map<string, number>();
  readonly #ready = new Map<string, number>();
  readonly #causes = new Map<string, { reason: EndReason }>();
  readonly #started = new Set<string>();

  constructor(world: World, read: ReadStore, drones: readonly string[], ends: Ends, leases: Leases) {
    this.#drones = drones;
    this.#world = world;
    this.#read = read;
    this.#ends = ends;
    this.#leases = leases;
  }

  isPlaced(id: string, by: number): boolean {
    return (this.#placedAt.get(id) ?? Number.POSITIVE_INFINITY) <= by;
  }

  /** Whether its end was ever committed: its route ended, or its record says so. */
  hasEnded(id: string): boolean {
    return this.#ended.has(id);
  }

  /** True time at which its end was committed first; undefined before that. */
  endedAt(id: string): number | undefined {
    return this.#ended.get(id);
  }

  /** Whether an end for idleness was written already. */
  edgeOf(id: string): string | undefined {
    return this.#known.get(id)?.edge;
  }

  /** The state that its record had when it was written last. */
  stateOf(id: string): number | undefined {
    return this.#known.get(id)?.state;
  }

  /** True time at which its record was READY first; undefined before that. */
  readyAt(id: string): number | undefined {
    return this.#ready.get(id);
  }

  /** How its record ended last; undefined before that. */
  endOf(id: string): { reason: EndReason } | undefined {
    return this.#causes.get(id);
  }

  started({ id }: Container): void {
    if (this.#started.has(id)) this.#world.violate('one-start', `${id} started twice`);
    this.#started.add(id);
  }

  /** The store was emptied or is an older one: its records may be of an earlier state. */
  storeLost(): void {
    for (const known of this.#known.values()) known.state = 0;
  }

  /** Looks at a record after a script has been at it. */
  written(id: string): void {
    const record = this.#read.hash(KEYS.backend(id));
    const state = record?.get('state');
    const drone = record?.get('drone');
    if (!record || !state || !drone) return;
    const now: Known = { state: Number(state), drone, edge: String(record.get('edge')) };
    const before = this.#known.get(id);
    this.#known.set(id, now);
    if (!this.#placedAt.has(id)) this.#placedAt.set(id, this.#world.now);
    this.#count(id, now, before);
    const isOver = now.state >= STATES.TERMINATING || now.edge === 'ended';
    if (isOver && !this.#ended.has(id)) this.#ended.set(id, this.#world.now);
    if (before && now.state < before.state)
      this.#world.violate(
        'record-order',
        `the record of ${id} went back from ${before.state} to ${now.state}`,
      );
    if (now.state === STATES.TERMINATED && before?.state !== STATES.TERMINATED) {
      const status = record.get('status');
      const said = status
        ? BackendStatus.decode(Buffer.from(status, 'latin1'))
        : BackendStatus.fromPartial({});
      this.#causes.set(id, { reason: said.endReason });
      for (const [step, ms] of Object.entries(said.steps ?? {}))
        if (ms < 0) this.#world.violate('step-times', `the record of ${id} has ${step} ${ms}`);
      this.#countEnd(said.endReason);
      this.#ends.ended(id, said, drone);
    }
    if (now.state < STATES.TERMINATED) this.#leases.living(id, drone);
  }

  #count(id: string, { state, edge }: Known, before: Known | undefined): void {
    if (!before) this.#world.count('placed');
    if (state === STATES.READY && !this.#ready.has(id)) {
      this.#ready.set(id, this.#world.now);
      this.#world.count('ready');
    }
    if (before?.edge === 'open' && edge === 'suspended') this.#world.count('suspended');
    if (before?.edge === 'suspended' && edge === 'open') this.#world.count('given-back');
    if (before?.edge === 'suspended' && edge === 'ended') this.#world.count('settled-ends');
  }

  #countEnd(reason: EndReason): void {
    if (reason === EndReason.IDLE) this.#world.count('idle-shutdowns');
    if (reason === EndReason.LEASE_LOST) this.#world.count('lease-losses');
    if (reason === EndReason.DRONE_LOST) this.#world.count('lost-with-drone');
    if (reason === EndReason.REQUESTED) this.#world.count('terminated');
  }

  /** Compares the reservations of the drone that has this backend, or of every drone, with the living records. */
  checkReservations(id: string): void {
    const drone = this.#known.get(id)?.drone;
    for (const each of drone === undefined ? this.#drones : [drone]) this.#reserved(each);
  }

  #reserved(drone: string): void {
    const living = this.#read.set(KEYS.living(drone)) ?? NONE;
    const kept = this.#read.hash(KEYS.drone(drone));
    let [cpu, memory, unreported, isEnded] = [0, 0, 0, false];
    for (const id of living) {
      const record = this.#read.hash(KEYS.backend(id));
      // A record holds a share of its drone: processor, memory, and the hash of its key (lua/library/backends.lua).
      const [cpuHeld, memoryHeld] = (record?.get('held') ?? '0 0 ').split(' ', 2);
      cpu += Number(cpuHeld);
      memory += Number(memoryHeld);
      if (record?.get('revision') === '0') unreported++;
      isEnded ||= Number(record?.get('state')) === STATES.TERMINATED;
    }
    const fields = ['reserved_cpu', 'reserved_memory', 'reserved_backends', 'unreported'];
    const found = fields.map((field) => Number(kept?.get(field) ?? 0));
    const expected = [cpu, memory, living.size, unreported];
    if (expected.some((value, at) => value !== found[at]))
      this.#world.violate(
        'reservations',
        `${drone} has ${found} reserved and unreported; its records have ${expected}`,
      );
    if (isEnded) this.#world.violate('reservations', `an ended record counts among the living of ${drone}`);
  }
}
