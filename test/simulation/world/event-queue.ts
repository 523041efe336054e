import type { Process } from './process.ts';

/** An event of the world. It does not happen if its process has crashed by then. */
export interface Event {
  at: number;
  order: number;
  /** Undefined after the event was cancelled. */
  run: (() => void) | undefined;
  readonly owner: Process | undefined;
}

/** Events by time, and by the order of their coming where the time is the same: a binary heap. */
export class EventQueue {
  readonly #heap: Event[] = [];
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  add(at: number, run: () => void, owner: Process | undefined): Event {
    const event: Event = { at, order: 0, run, owner };
    this.#put(event);
    return event;
  }

  /** Adds a taken event again, for later, behind those that are there already. */
  postpone(event: Event, at: number): void {
    event.at = at;
    this.#put(event);
  }

  #put(event: Event): void {
    event.order = this.#order++;
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

  peek(): Event | undefined {
    return this.#heap[0];
  }

  take(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
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
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
