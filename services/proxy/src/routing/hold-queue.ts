import type { Clock } from '@spawner/domain';

/**
 * Requests that wait for their backend. Each waits until it is released, its time is up or its client
 * leaves; per backend and in all there are only so many places.
 */
export type HoldOutcome = 'released' | 'timeout' | 'left' | 'full' | 'closed';

export interface HoldLimits {
  perBackend: number;
  total: number;
}

export class Holds {
  readonly #waiting = new Map<string, Set<(outcome: HoldOutcome) => void>>();
  readonly #clock: Clock;
  readonly #limits: HoldLimits;
  #total = 0;
  #closed = false;

  constructor(clock: Clock, limits: HoldLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Waits at most `ms`; never rejects. The signal means that the client has left. */
  async wait(id: string, ms: number, signal: AbortSignal): Promise<HoldOutcome> {
    if (signal.aborted) return 'left';
    if (this.#closed) return 'closed';
    if (this.#total >= this.#limits.total || this.count(id) >= this.#limits.perBackend) return 'full';
    const over = new AbortController();
    const leave = () => over.abort(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    const late = this.#clock.sleep(ms, over.signal).then(
      () => 'timeout' as const,
      () => 'left' as const,
    );
    let release: (outcome: HoldOutcome) => void = () => {};
    const released = new Promise<HoldOutcome>((resolve) => {
      release = resolve;
    });
    this.#enter(id, release);
    try {
      return await Promise.race([released, late]);
    } finally {
      this.#leave(id, release);
      signal.removeEventListener('abort', leave);
      over.abort(new Error('the hold is over'));
    }
  }

  /** The backend's route says something else now: everybody who waits for it looks again. */
  release(id: string): void {
    for (const release of this.#waiting.get(id) ?? []) release('released');
  }

  count(id: string): number {
    return this.#waiting.get(id)?.size ?? 0;
  }

  get total(): number {
    return this.#total;
  }

  /** Lets everybody go, and nobody in any more. */
  close(): void {
    this.#closed = true;
    for (const waiting of this.#waiting.values()) for (const release of waiting) release('closed');
  }

  #enter(id: string, release: (outcome: HoldOutcome) => void): void {
    const waiting = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, waiting.add(release));
    this.#total += 1;
  }

  #leave(id: string, release: (outcome: HoldOutcome) => void): void {
    const waiting = this.#waiting.get(id);
    waiting?.delete(release);
    if (waiting?.size === 0) this.#waiting.delete(id);
    this.#total -= 1;
  }
}
