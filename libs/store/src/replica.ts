/**
 * A full copy of a table that is changed elsewhere, kept by the table's change log. Pure: it takes pages, entries and heads,
 * and decides when the table must be loaded again.
 *
 * A reader takes the log's position first, then the table, then follows the log. An entry that the table already had is
 * repeated and changes nothing, because the higher epoch of two versions of a row wins. Any other next id than the one after
 * the last, or a head that disagrees, means a reload.
 */
export interface LogPosition {
  epoch: number;
  n: number;
}

export interface Versioned {
  epoch: number;
}

export type RowChange<T> = { id: string; row: T | undefined; epoch: number };

interface Row<T> {
  value: T;
  /** `store`: the log that is followed; `earlier`: a log before it; `disk`: a copy; `agent`: it knows more than the store. */
  source: 'store' | 'earlier' | 'disk' | 'agent';
  /** Clock time at which the store last had this version. It is the whole table's for rows of the log that is followed. */
  confirmedAt: number;
}

const NEVER = Number.NEGATIVE_INFINITY;

export class Replica<T extends Versioned> {
  readonly #rows = new Map<string, Row<T>>();
  readonly #changed: (id: string, row: T | undefined) => void;
  #position: LogPosition | undefined;
  /** Clock time at which the whole table was last seen to agree with the store. */
  #asOf = NEVER;

  /** Calls `changed` for every row that changes or goes. */
  constructor(changed: (id: string, row: T | undefined) => void = () => {}) {
    this.#changed = changed;
  }

  get(id: string): T | undefined {
    return this.#rows.get(id)?.value;
  }

  /** Clock time at which the store last had the row as it is here; infinitely long ago for a copy, or an agent's version. */
  asOf(id: string): number {
    const row = this.#rows.get(id);
    return row && row.source !== 'store' ? row.confirmedAt : this.#asOf;
  }

  /** The whole table agreed with the store at this clock time. */
  agreedAt(at: number): void {
    this.#asOf = at;
  }

  /** Begins with a copy of a table whose log was at `position`. */
  begin(position: LogPosition, rows: ReadonlyMap<string, T>): void {
    for (const [id, row] of rows) this.#put(id, row, 'disk');
    this.#position = position;
  }

  /**
   * Overrides a row with newer information from the drone's agent. The override lasts until the store publishes the row with a
   * higher epoch; older versions that arrive later are ignored.
   */
  override(id: string, row: T): void {
    this.#put(id, row, 'agent');
  }

  *rows(): IterableIterator<T> {
    for (const { value } of this.#rows.values()) yield value;
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Its position in the log; undefined before the first load. */
  get position(): LogPosition | undefined {
    return this.#position;
  }

  /**
   * Takes the table as it was read after its log was at `position`. Rows that it lacks are dropped, except those that `keeps`
   * approves: a store that lost everything does not have them yet.
   */
  load(position: LogPosition, rows: ReadonlyMap<string, T>, keeps: (row: T) => boolean = () => false): void {
    if (position.epoch !== this.#position?.epoch) this.#leaveLog();
    this.#position = position;
    for (const [id, { value }] of [...this.#rows])
      if (!rows.has(id) && !keeps(value)) this.#put(id, undefined);
    for (const [id, row] of rows) if (this.#isNews(id, row)) this.#put(id, row);
  }

  /**
   * Takes the log's next entry. Returns false for any other entry: the table must be loaded again. So must it be for the first
   * entry of a log that did not exist (epoch 0), because a log begins with the rows that the store has by then.
   */
  apply(at: LogPosition, change: RowChange<T>): boolean {
    const last = this.#position;
    if (!last || at.epoch !== last.epoch || at.n !== last.n + 1) return false;
    this.#position = at;
    const present = this.#rows.get(change.id);
    if (change.row && present?.source === 'agent' && !this.#isNews(change.id, change.row)) return true;
    if (present && !isUncertain(present) && present.value.epoch > change.epoch) return true;
    if (present || change.row) this.#put(change.id, change.row);
    return true;
  }

  /** Whether the log's head fits the entries that were applied. It may be ahead of the reader. */
  agrees(head: LogPosition): boolean {
    return this.#position !== undefined && head.epoch === this.#position.epoch && head.n >= this.#position.n;
  }

  /** The log that was followed has ended: the new one may have any version of its rows. */
  #leaveLog(): void {
    for (const row of this.#rows.values()) {
      if (row.source !== 'store') continue;
      row.source = 'earlier';
      row.confirmedAt = this.#asOf;
    }
  }

  #isNews(id: string, row: T): boolean {
    const present = this.#rows.get(id);
    return !present || isUncertain(present) || row.epoch > present.value.epoch;
  }

  #put(id: string, value: T | undefined, source: Row<T>['source'] = 'store'): void {
    if (value) this.#rows.set(id, { value, source, confirmedAt: NEVER });
    else this.#rows.delete(id);
    this.#changed(id, value);
  }
}

/** Whether the store's version of the row is newer, however low its epoch is. */
function isUncertain({ source }: Row<unknown>): boolean {
  return source === 'earlier' || source === 'disk';
}
