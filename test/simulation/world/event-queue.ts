import type { Process } from './process.ts';

/** Returns true if a quiet event settled a promise after all. */
export type Run = () => unknown;

/** An event of the world. It does not happen if its process has crashed by then. */
export interface Event {
  at: number;
  order: number;
  /** Undefined after the event was cancelled. */
  run: Run | undefined;
  readonly owner: Process | undefined;
  /** Whether it settles no promise, unless it returns true. The next event may then follow at once. */
  readonly isQuiet: boolean;
}

/** How much time one heap holds. */
const SLOT_MS = 250;

/**
 * Events by time, and by the order of their coming where the time is the same: a binary heap for the near future. Later
 * events wait unsorted in slots, because most of them are deadlines that are cancelled before their slot comes.
 */
export class EventQueue {
  readonly #heap: Event[] = [];
  readonly #later = new Map<number, Event[]>();
  /** The slot after those whose events are in the heap. */
  #slot = 0;
  #order = 0;

  add(at: number, run: Run, owner: Process | undefined, isQuiet = false): Event {
    const event: Event = { at, order: 0, run, owner, isQuiet };
    this.#put(event);
    return event;
  }

  /** Adds a taken event again, for later, behind those that are there already. */
  postpone(event: Event, at: number): void {
    event.at = at;
    this.#put(event);
  }

  peek(): Event | undefined {
    while (this.#heap.length === 0 && this.#later.size > 0) this.#begin(this.#slot++);
    return this.#heap[0];
  }

  take(): Event | undefined {
    const heap = this.#heap;
    const first = this.peek();
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++;
      if (!isBefore(heap[child] as Event, last)) break;
      heap[hole] = heap[child] as Event;
      hole = child;
    }
    heap[hole] = last;
    return first;
  }

  #put(event: Event): void {
    event.order = this.#order++;
    const slot = Math.floor(event.at / SLOT_MS);
    if (slot < this.#slot) {
      this.#sort(event);
      return;
    }
    const events = this.#later.get(slot);
    if (events) events.push(event);
    else this.#later.set(slot, [event]);
  }

  /** Sorts the events of a slot, but for those that were cancelled. */
  #begin(slot: number): void {
    const events = this.#later.get(slot);
    if (!events) return;
    this.#later.delete(slot);
    for (const event of events) if (event.run) this.#sort(event);
  }

  #sort(event: Event): void {
    const heap = this.#heap;
    let hole = heap.length;
    heap.push(event);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const above = heap[parent] as Event;
      if (!isBefore(event, above)) break;
      heap[hole] = above;
      hole = parent;
    }
    heap[hole] = event;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
