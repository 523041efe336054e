import { Refill } from './refill.ts';
import type { LogPosition, Replica, RowChange } from './replica.ts';
import type { TableRow } from './route-row.ts';

/** The reader looks at the log's head this often: an entry that never comes shows nowhere else. */
const HEAD_EVERY_MS = 5_000;

export interface LogEntry {
  at: LogPosition;
  change: RowChange<TableRow>;
}

/** A reply of the store. `askedAt`: the clock time of the question, for which the answer is certain. */
export type StoreEvent =
  | { kind: 'table'; position: LogPosition; rows: ReadonlyMap<string, TableRow>; askedAt: number }
  | { kind: 'entries'; entries: readonly LogEntry[] }
  /** `hasNext`: whether the log still has the entry after the last one that was applied. */
  | { kind: 'head'; head: LogPosition; hasNext: boolean; askedAt: number };

/** The reader's next step: read the log, look at its head, or load the table again. */
export type NextStep = 'read' | 'head' | 'load';

/** Decides how a replica follows the store. Pure: a step takes a reply and the clock time, and returns what to do next. */
export class RouteFollower {
  readonly #replica: Replica<TableRow>;
  /** While a store that lost its routes is repopulated. */
  #refill: Refill | undefined;
  #headAt = 0;

  constructor(replica: Replica<TableRow>) {
    this.#replica = replica;
  }

  /** Whether a store that lost its routes is being repopulated: a missing route may still return. */
  get isRefilling(): boolean {
    return this.#refill !== undefined;
  }

  /**
   * Whether the table of a store with this head may be taken. An emptied store knows nothing of running sessions, so the known
   * rows stay until it is repopulated. The same holds for an older copy until its writers have begun a new epoch.
   */
  accepts(head: LogPosition): boolean {
    const before = this.#replica.position;
    if (!before) return true;
    return head.epoch !== 0 && !(head.epoch === before.epoch && head.n < before.n);
  }

  step(event: StoreEvent, now: number): NextStep {
    switch (event.kind) {
      case 'table':
        return this.#loaded(event, now);
      case 'entries':
        return this.#read(event.entries, now);
      case 'head':
        return this.#looked(event);
    }
  }

  #loaded({ position, rows, askedAt }: StoreEvent & { kind: 'table' }, now: number): NextStep {
    const before = this.#replica.position;
    // Another log is that of a store which may have lost routes. They return drone by drone.
    if (before && before.epoch !== 0 && before.epoch !== position.epoch) this.#refill = new Refill(now);
    this.#replica.load(position, rows, this.#refill?.keeps(this.#replica.rows(), rows, now));
    if (this.#refill?.isOver(now)) this.#refill = undefined;
    this.#replica.agreedAt(askedAt);
    if (this.#headAt === 0) this.#headAt = now + HEAD_EVERY_MS;
    return 'read';
  }

  #read(entries: readonly LogEntry[], now: number): NextStep {
    const inStep = entries.every(({ at, change }) => this.#replica.apply(at, change));
    for (const { change } of entries) this.#refill?.changed(change.id, now);
    const isHeadDue = now >= this.#headAt;
    if (isHeadDue) this.#headAt = now + HEAD_EVERY_MS;
    if (!inStep || (this.#refill && now >= this.#refill.lookAt)) return 'load';
    return isHeadDue ? 'head' : 'read';
  }

  #looked({ head, hasNext, askedAt }: StoreEvent & { kind: 'head' }): NextStep {
    if (head.epoch === 0) return 'read';
    // The head is ahead while entries are on their way, but not if the next one is gone.
    const isAhead = head.n > (this.#replica.position?.n ?? 0);
    if (!this.#replica.agrees(head) || (isAhead && !hasNext)) return 'load';
    this.#replica.agreedAt(askedAt);
    return 'read';
  }
}
