import { STATES } from '@spawner/domain';
import { BackendStatus } from '@spawner/proto/internal/backend_status';
import type { Container } from '../engine/container.ts';
import { KEYS } from '../parts/scheduler.ts';
import type { World } from '../world/world.ts';
import type { Ends } from './ends.ts';
import type { Leases } from './leases.ts';
import type { ReadStore } from './read-store.ts';

interface Known {
  drone: string;
  state: number;
  edge: string;
}

/**
 * Invariant 4: no id starts twice, every record ends exactly once and with a cause that is so (ends.ts), and what a drone has reserved
 * is the sum of its living records. Looked at when a record was written.
 */
export class Records {
  readonly #world: World;
  readonly #read: ReadStore;
  readonly #ends: Ends;
  readonly #leases: Leases;
  readonly #known = new Map<string, Known>();
  readonly #placedAt = new Map<string, number>();
  readonly #ended = new Set<string>();
  readonly #started = new Set<string>();

  constructor(world: World, read: ReadStore, ends: Ends, leases: Leases) {
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

  /** Whether an end for idleness was written already. */
  edgeOf(id: string): string | undefined {
    return this.#known.get(id)?.edge;
  }

  started({ id }: Container): void {
    if (this.#started.has(id)) this.#world.violate(`(4) ${id} started twice`);
    this.#started.add(id);
  }

  /** The store was emptied or is an older one: its records may be of an earlier state. */
  storeLost(): void {
    for (const known of this.#known.values()) known.state = 0;
  }

  /** Looks at a record after a script has been at it. */
  written(id: string): void {
    const fields = ['HMGET', KEYS.backend(id), 'state', 'drone', 'edge', 'status'];
    const [state, drone, edge, status] = this.#read(fields) as (string | null)[];
    if (!state || !drone) return;
    const now: Known = { state: Number(state), drone, edge: String(edge) };
    const before = this.#known.get(id);
    this.#known.set(id, now);
    if (!this.#placedAt.has(id)) this.#placedAt.set(id, this.#world.now);
    if (now.state >= STATES.TERMINATING || now.edge === 'ended') this.#ended.add(id);
    if (before && now.state < before.state)
      this.#world.violate(`(4) the record of ${id} went back from ${before.state} to ${now.state}`);
    if (now.state === STATES.TERMINATED && before?.state !== STATES.TERMINATED) {
      const said = status
        ? BackendStatus.decode(Buffer.from(status, 'latin1'))
        : BackendStatus.fromPartial({});
      this.#ends.ended(id, said, drone);
    }
    if (now.state < STATES.TERMINATED) this.#leases.living(id, drone);
    if (!before || before.state !== now.state) this.reserved(now.drone);
  }

  /** What the drone has reserved is what its living records ask for. */
  reserved(drone: string): void {
    const fields = ['reserved_cpu', 'reserved_memory', 'reserved_backends'];
    const living = this.#read(['SMEMBERS', KEYS.living(drone)]) as string[];
    const kept = this.#read(['HMGET', KEYS.drone(drone), ...fields]) as (string | null)[];
    const records = living.map((id) => this.#read(['HMGET', KEYS.backend(id), 'held', 'state'])) as (
      | string
      | null
    )[][];
    // What it holds of its drone, as lua/common.lua writes it: processor, memory, and the hash of its key.
    const held = records.map(([text]) => (text ?? '0 0 ').split(' '));
    const sum = (at: number) => held.reduce((total, parts) => total + Number(parts[at]), 0);
    const expected = [sum(0), sum(1), records.length].join();
    const found = kept.map((value) => Number(value ?? 0)).join();
    if (expected !== found)
      this.#world.violate(`(4) ${drone} has ${found} reserved; its records have ${expected}`);
    if (records.some((record) => Number(record[1]) === STATES.TERMINATED))
      this.#world.violate(`(4) an ended record counts among the living of ${drone}`);
  }
}
