import { decodeRow, type RouteTable, rowId, type TableRow, tokenOfRow } from '@spawner/store';
import type { SimulatedDrone } from '../parts/drone.ts';
import type { SimulatedProxy } from '../parts/proxy.ts';
import { KEYS } from '../parts/scheduler.ts';
import type { World } from '../world/world.ts';
import type { ReadStore } from './read-store.ts';

interface Seen {
  readonly epoch: number;
  /** The epoch of the log that the replica followed then. */
  readonly log: number | undefined;
  /** The number of lost stores by then. */
  readonly lost: number;
}

/** Invariant 5, of replicas: entries never go back in their route's epoch, and after healing each is what the store has. */
export class Replicas {
  readonly #world: World;
  readonly #read: ReadStore;
  readonly #drones: readonly SimulatedDrone[];
  readonly #seen = new WeakMap<object, Map<string, Seen>>();
  #lost = 0;

  constructor(world: World, read: ReadStore, drones: readonly SimulatedDrone[]) {
    this.#world = world;
    this.#read = read;
    this.#drones = drones;
  }

  changed({ name, routes }: SimulatedProxy, id: string, epoch: number | undefined): void {
    if (!routes) return;
    const seen = this.#seen.get(routes) ?? new Map<string, Seen>();
    this.#seen.set(routes, seen);
    if (epoch === undefined) return;
    // Another store, or an older copy of one, may have lower epochs. An entry of a lost store's log may arrive late.
    const log = routes.position?.epoch;
    const before = seen.get(id);
    if (before && epoch < before.epoch && log === before.log && before.lost === this.#lost)
      this.#world.violate(
        'replica-order',
        `${name}'s route of ${id} went back from ${before.epoch} to ${epoch}`,
      );
    seen.set(id, { epoch, log, lost: this.#lost });
  }

  /** Entries of another store may have lower epochs. */
  storeLost(): void {
    this.#lost++;
  }

  /** A replica keeps the rows of a drone that may come back after the store lost everything. A burnt drone never will. */
  #isOfNobody(row: TableRow): boolean {
    const droneId = 'droneId' in row ? row.droneId : undefined;
    const isGone = this.#drones.some(({ name, engine }) => name === droneId && engine.gone);
    return isGone && this.#read(['HEXISTS', KEYS.routes, rowId(row)]) === 0;
  }

  /** The first difference between a server's table and the store; undefined if they are equal. Dns keeps no tokens. */
  difference(
    { name, routes }: { name: string; routes: RouteTable | undefined },
    hasTokens = true,
  ): string | undefined {
    if (!routes) return `${name} has no routes`;
    const all = this.#read(['HGETALL', KEYS.routes]) as string[];
    const flat = hasTokens
      ? all
      : all.filter((_, at) => tokenOfRow(all[at - (at % 2)] as string) === undefined);
    const rows = [...routes.rows()];
    const epochs = new Map(rows.map((row) => [rowId(row), row.epoch]));
    const kept = rows.filter((row) => this.#isOfNobody(row)).length;
    if (routes.size - kept !== flat.length / 2)
      return `${name} has ${routes.size - kept} routes, the store ${flat.length / 2}`;
    for (let at = 0; at + 1 < flat.length; at += 2) {
      const id = flat[at] as string;
      const row = decodeRow(id, Buffer.from(flat[at + 1] as string, 'latin1'));
      if (epochs.get(id) !== row?.epoch) return `${name} has another route of ${id}`;
    }
    return undefined;
  }
}
