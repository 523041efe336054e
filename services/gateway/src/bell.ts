import type { Clock } from '@spawner/domain';

/** A bell with one slot: however often it is rung before a listener waits, it wakes the listener once. */
export class Bell {
  #rung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Resolves at the next ring, or at once after one that was not heard yet, after `ms`, or when the signal aborts. */
  async heard(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const rung = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    if (!this.#rung)
      await Promise.race([rung, clock.sleep(ms, AbortSignal.any([signal, over.signal])).catch(() => {})]);
    over.abort();
    this.#wake = undefined;
    this.#rung = false;
  }
}
