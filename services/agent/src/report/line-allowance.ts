const LINES_PER_SECOND = 200;
/** A program that starts, or fails, writes many lines at once. */
const BURST = 1_000;

/** How many lines one backend may put on the bus: a bucket of tokens. Its unit of time is the caller's clock in milliseconds. */
export class LineAllowance {
  #tokens = BURST;
  #at: number;
  #leftOut = 0;

  constructor(now: number) {
    this.#at = now;
  }

  /** Returns whether a line may pass. If it may, `leftOut` has the number of lines before it that could not. */
  take(now: number): { passes: boolean; leftOut: number } {
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#at) / 1_000) * LINES_PER_SECOND);
    this.#at = now;
    const passes = this.#tokens >= 1;
    const leftOut = passes ? this.#leftOut : 0;
    this.#tokens -= passes ? 1 : 0;
    this.#leftOut = passes ? 0 : this.#leftOut + 1;
    return { passes, leftOut };
  }
}
