/** A start keeps its place for this long after its program has started: a slow program must not block the drone. */
const START_HOLD_MS = 5_000;
const MOST = 1_000;

/** A start in the queue, or in a place. */
export interface Start {
  readonly id: string;
  /** The order of the spawns. */
  readonly placement: number;
  readonly key?: { readonly namespace: string };
}

interface Waiting extends Start {
  readonly admit: () => void;
}

/**
 * The starts of a drone. A few have a place, and the others wait: if all advanced together, none would be ready before the
 * last. Key namespaces take turns, and spawns without a key count as one namespace. Within it the earlier spawn is first.
 */
export class StartQueue {
  /** The most backends that may wait for their image or their place. */
  readonly most: number;
  readonly #atOnce: number;
  /** Starts that wait, by namespace. The namespace whose turn is next comes first. */
  readonly #lanes = new Map<string | undefined, Waiting[]>();
  /** The starts that have a place, and when each has to give it up. */
  readonly #places = new Map<string, number>();

  constructor({ atOnce, most = MOST }: { atOnce: number; most?: number }) {
    this.#atOnce = atOnce;
    this.most = most;
  }

  /** The number of starts that wait. */
  get waiting(): number {
    return [...this.#lanes.values()].reduce((sum, lane) => sum + lane.length, 0);
  }

  /** Resolves when the start has a place. Rejects, and leaves the queue, when the signal aborts. */
  enter({ id, placement, key }: Start, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const lane = this.#lanes.get(key?.namespace) ?? [];
      const waiting = { id, placement, admit: resolve };
      lane.splice(lane.findLastIndex((other) => other.placement <= placement) + 1, 0, waiting);
      this.#lanes.set(key?.namespace, lane);
      const leave = () => {
        const at = lane.indexOf(waiting);
        if (at >= 0) lane.splice(at, 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#admit();
    });
  }

  /** The program has started, or its start waits for the scheduler: from now on it keeps its place for a moment only. */
  started(id: string, now: number): void {
    if (this.#places.has(id)) this.#places.set(id, now + START_HOLD_MS);
  }

  /** The backend is ready or has ended. */
  leave(id: string): void {
    if (this.#places.delete(id)) this.#admit();
  }

  tick(now: number): void {
    for (const [id, until] of this.#places) if (until <= now) this.leave(id);
  }

  #admit(): void {
    while (this.#places.size < this.#atOnce) {
      const [turn] = this.#lanes;
      if (!turn) return;
      const [namespace, lane] = turn;
      const next = lane.shift();
      this.#lanes.delete(namespace);
      if (lane.length > 0) this.#lanes.set(namespace, lane);
      if (!next) continue;
      this.#places.set(next.id, Number.POSITIVE_INFINITY);
      next.admit();
    }
  }
}
