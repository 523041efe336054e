import { DEADLINES } from '@spawner/domain';
import type { Route, TableRow } from './route-row.ts';
import { agentRow } from './rows.ts';

/**
 * Tracks how far a store that lost its routes has been repopulated. Drones register again one by one. A route that is still
 * missing after that belongs to a backend that has ended. The routes of a drone that is away are kept until it returns or is
 * forgotten. Pure; clock time in ms.
 */
export class Refill {
  /** The clock time by which the whole table must be read again. */
  lookAt: number;
  readonly #filledAt: number;
  readonly #overAt: number;
  /** Address rows of the drones that are away. A returning drone writes this row after all its routes. */
  #awaited = new Set<string>();

  constructor(now: number) {
    this.#filledAt = now + DEADLINES.refill;
    this.#overAt = now + DEADLINES.droneForgotten;
    this.lookAt = this.#filledAt;
  }

  /** Notes a change of a row. The address of an awaited drone means that it is back: the table must be read now. */
  changed(id: string, now: number): void {
    if (this.#awaited.has(id)) this.lookAt = now;
  }

  /** Takes the table as it was read. Returns which of the present rows are kept although the table lacks them. */
  keeps(
    rows: Iterable<TableRow>,
    read: ReadonlyMap<string, TableRow>,
    now: number,
  ): (row: TableRow) => boolean {
    if (now < this.#filledAt) return () => true;
    this.lookAt = this.#overAt;
    this.#awaited = new Set();
    if (now >= this.#overAt) return () => false;
    const isAwayOn = (row: TableRow): row is Route =>
      row.kind === 'backend' && !read.has(agentRow(row.droneId));
    for (const row of rows)
      if (isAwayOn(row) && !read.has(row.backendId)) this.#awaited.add(agentRow(row.droneId));
    return isAwayOn;
  }

  /** Whether no drone is awaited any more, at this time. */
  isOver(now: number): boolean {
    return now >= this.#filledAt && this.#awaited.size === 0;
  }
}
