const SPAN_MS = 10_000;
/** The starts of this time decide. */
const SPANS = 60;
/** Most sandboxes, as a multiple of the number at rest. */
const MOST_TIMES_RESTING = 4;

/** How many sandboxes should be ready: as many as the most starts within 10 to 20 s of the last 10 minutes. Pure. */
export class SandboxDemand {
  readonly #resting: number;
  /** Starts by span of time. */
  readonly #starts = new Map<number, number>();

  /** `resting` is the least number, and 0 for no sandboxes at all. */
  constructor(resting: number) {
    this.#resting = resting;
  }

  /** Whether there are to be no sandboxes at all. */
  get none(): boolean {
    return this.#resting === 0;
  }

  started(now: number): void {
    const span = Math.floor(now / SPAN_MS);
    this.#starts.set(span, (this.#starts.get(span) ?? 0) + 1);
    this.#forget(span);
  }

  wanted(now: number): number {
    this.#forget(Math.floor(now / SPAN_MS));
    // A crowd may arrive across the end of a span.
    const crowds = [...this.#starts].map(([span, count]) => count + (this.#starts.get(span + 1) ?? 0));
    return Math.min(Math.max(this.#resting, ...crowds), this.#resting * MOST_TIMES_RESTING);
  }

  #forget(present: number): void {
    for (const span of this.#starts.keys()) if (span <= present - SPANS) this.#starts.delete(span);
  }
}
