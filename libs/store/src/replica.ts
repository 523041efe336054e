/**
 * A full copy of a table that is changed elsewhere, kept by its change log. Pure: it is told pages,
 * entries and heads, and says when it must be loaded again.
 *
 * The reader takes the log's position first, then the table, then follows: an entry that the table
 * already had comes once more and changes nothing, because of two versions of a row the higher epoch
 * wins. Any other next id than the one after the last, or a head that disagrees, means a reload.
 */
export interface LogPosition {
  epoch: number;
  n: number;
}

export interface Versioned {
  epoch: number;
}

export type RowChange<T> = { id: string; row: T | undefined; epoch: number };

export class Replica<T extends Versioned> {
  readonly #rows = new Map<string, T>();
  readonly #changed: (id: string, row: T | undefined) => void;
  /** Rows of an earlier log that this one has not told of: whatever it says of them is newer, however low its epoch. */
  readonly #unconfirmed = new Set<string>();
  /** Rows of which somebody knows more than the writer had told by this epoch. */
  readonly #presumed = new Map<string, number>();
  #position: LogPosition | undefined;

  /** `changed` hears of every row that is now another than before, or gone. */
  constructor(changed: (id: string, row: T | undefined) => void = () => {}) {
    this.#changed = changed;
  }

  get(id: string): T | undefined {
    return this.#rows.get(id);
  }

  /** A row that the present log has not told of: it is an earlier log's, another copy's, or somebody else's word. */
  isUnconfirmed(id: string): boolean {
    return this.#unconfirmed.has(id) || this.#presumed.has(id);
  }

  /** Whether there is any such row. */
  get hasUnconfirmed(): boolean {
    return this.#unconfirmed.size > 0;
  }

  /** Begins with a copy that was kept elsewhere, of a table whose log stood at `position`. Nothing of it is confirmed. */
  restore(position: LogPosition, rows: ReadonlyMap<string, T>): void {
    for (const [id, row] of rows) {
      this.#put(id, row);
      this.#unconfirmed.add(id);
    }
    this.#position = position;
  }

  /**
   * Takes the word of somebody who knows more of a row than its writer had told by the row's epoch, until the writer tells of
   * it again: an older word of the writer's, though it is read later, is no news.
   */
  presume(id: string, row: T): void {
    this.#put(id, row);
    this.#presumed.set(id, row.epoch);
  }

  rows(): IterableIterator<T> {
    return this.#rows.values();
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Where it stands in the log; nothing before the first load. */
  get position(): LogPosition | undefined {
    return this.#position;
  }

  /**
   * Takes the table as it was read after the log stood at `position`. Rows that it lacks go, but for those that `keeps` says yes
   * to: a store that lost everything does not have them yet.
   */
  load(position: LogPosition, rows: ReadonlyMap<string, T>, keeps: (row: T) => boolean = () => false): void {
    if (position.epoch !== this.#position?.epoch)
      for (const id of this.#rows.keys()) this.#unconfirmed.add(id);
    for (const [id, row] of [...this.#rows]) if (!rows.has(id) && !keeps(row)) this.#put(id, undefined);
    for (const [id, row] of rows) {
      const present = this.#rows.get(id);
      if (this.#isOldWord(id, row)) continue;
      if (!present || this.#unconfirmed.has(id) || row.epoch > present.epoch) this.#put(id, row);
    }
    this.#position = position;
  }

  /** Takes the log's next entry; where there was no log (epoch 0), its first. False: it is not the next one, load again. */
  apply(at: LogPosition, change: RowChange<T>): boolean {
    const last = this.#position;
    const begins = last?.epoch === 0 && at.n === 1;
    if (!last || !(begins || (at.epoch === last.epoch && at.n === last.n + 1))) return false;
    this.#position = at;
    const present = this.#rows.get(change.id);
    if (change.row && this.#isOldWord(change.id, change.row)) return true;
    if (present && !this.#unconfirmed.has(change.id) && present.epoch > change.epoch) return true;
    if (present || change.row) this.#put(change.id, change.row);
    return true;
  }

  /** Whether what the writer says of its head fits what was applied; it may be ahead of the reader. */
  agrees(head: LogPosition): boolean {
    return this.#position !== undefined && head.epoch === this.#position.epoch && head.n >= this.#position.n;
  }

  #isOldWord(id: string, row: T): boolean {
    return row.epoch <= (this.#presumed.get(id) ?? Number.NEGATIVE_INFINITY);
  }

  #put(id: string, row: T | undefined): void {
    this.#unconfirmed.delete(id);
    this.#presumed.delete(id);
    if (row) this.#rows.set(id, row);
    else this.#rows.delete(id);
    this.#changed(id, row);
  }
}
