import type { Clock } from '@spawner/domain';

/** How a wait ended. `left`: the client has left. `full`: there was no room. `closed`: the proxy is draining. */
export type HoldEnd = 'released' | 'timeout' | 'left' | 'full' | 'closed';

export interface HoldLimits {
  heldPerBackend: number;
  heldTotal: number;
}

/** Requests that wait for a row of the route table to change, with room for so many per row and in all. */
export class HoldQueue {
  readonly #waiting = new Map<string, Set<(end: HoldEnd) => void>>();
  readonly #clock: Clock;
  readonly #limits: HoldLimits;
  /** Number of requests that wait. */
  total = 0;
  #closed = false;

  constructor(clock: Clock, limits: HoldLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Waits at most `ms` milliseconds; never rejects. The signal says that the client has left. */
  async wait(row: string, ms: number, signal: AbortSignal): Promise<HoldEnd> {
    if (signal.aborted) return 'left';
    if (this.#closed) return 'closed';
    const { heldPerBackend, heldTotal } = this.#limits;
    if (this.total >= heldTotal || this.count(row) >= heldPerBackend) return 'full';
    const over = new AbortController();
    const late = this.#clock.sleep(ms, AbortSignal.any([signal, over.signal])).then(
      () => 'timeout' as const,
      () => 'left' as const,
    );
    const { promise: released, resolve: release } = Promise.withResolvers<HoldEnd>();
    const waiting = this.#waiting.get(row) ?? new Set();
    this.#waiting.set(row, waiting.add(release));
    this.total += 1;
    try {
      return await Promise.race([released, late]);
    } finally {
      waiting.delete(release);
      if (waiting.size === 0) this.#waiting.delete(row);
      this.total -= 1;
      over.abort(new Error('the wait is over'));
    }
  }

  /** The row means something else now: its requests look again. */
  release(row: string): void {
    for (const release of this.#waiting.get(row) ?? []) release('released');
  }

  count(row: string): number {
    return this.#waiting.get(row)?.size ?? 0;
  }

  /** Ends every wait, and refuses new ones. */
  close(): void {
    this.#closed = true;
    for (const waiting of this.#waiting.values()) for (const release of waiting) release('closed');
  }
}
