import { DEADLINES } from '@spawner/domain';
import type { Route, TableRow } from './route-row.ts';
import { agentRow } from './rows.ts';

/**
 * How far a store is that lost its routes, of which a table has a copy: it is written anew, drone by drone, and what it lacks at the
 * end has ended, but for what runs on drones that are away. Those may come back until they are given up. Pure; clock time in ms.
 */
export class Refill {
  /** The whole table is to be read again by then. */
  lookAt: number;
  readonly #filledAt: number;
  readonly #overAt: number;
  /** The rows that tell of the agents of drones that are away. Such a row comes behind everything that its drone has. */
  #awaited = new Set<string>();

  constructor(now: number) {
    this.#filledAt = now + DEADLINES.refill;
    this.#overAt = now + DEADLINES.droneForgotten;
    this.lookAt = this.#filledAt;
  }

  /** A row has changed; where it tells that a drone is back, the table is to be read now. */
  changed(id: string, now: number): void {
    if (this.#awaited.has(id)) this.lookAt = now;
  }

  /** The table was read as `read`; says which of the rows that it lacks are kept of those that were there. */
  keeps(
    rows: Iterable<TableRow>,
    read: ReadonlyMap<string, TableRow>,
    now: number,
  ): (row: TableRow) => boolean {
    if (now < this.#filledAt) return () => true;
    this.lookAt = this.#overAt;
    this.#awaited = new Set();
    if (now >= this.#overAt) return () => false;
    const isAway = (row: TableRow): row is Route =>
      row.kind === 'backend' && !read.has(agentRow(row.droneId));
    for (const row of rows)
      if (isAway(row) && !read.has(row.backendId)) this.#awaited.add(agentRow(row.droneId));
    return isAway;
  }

  /** Nothing is awaited any more, at this time. */
  isOver(now: number): boolean {
    return now >= this.#filledAt && this.#awaited.size === 0;
  }
}
