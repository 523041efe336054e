/** The last starts that count. */
const MOST = 16;
/** An older duration says little about the next start. */
const FORGOTTEN_MS = 600_000;

interface Measured {
  readonly ms: number;
  readonly at: number;
}

/** How long recent starts kept their place. Its unit of time is the caller's clock in milliseconds. */
export class StartDurations {
  #measured: readonly Measured[] = [];

  add(ms: number, at: number): void {
    this.#measured = [...this.#measured, { ms, at }].slice(-MOST);
  }

  /** Their mean; undefined before the first, and when the last was long ago. */
  mean(now: number): number | undefined {
    const recent = this.#measured.filter(({ at }) => now - at < FORGOTTEN_MS);
    if (recent.length === 0) return undefined;
    return recent.reduce((sum, { ms }) => sum + ms, 0) / recent.length;
  }
}

/** The starts that have a place, and how long one keeps it. */
export interface Places {
  /** How many there are. */
  readonly count: number;
  /** For how long each start that has one has kept it. */
  readonly elapsed: readonly number[];
  readonly startMs: number;
}

/**
 * When each of the next starts is expected to be ready, in their order, if every start keeps its place for `startMs`. A start
 * that has taken longer is expected to be over at any moment. Pure.
 */
export function expectedWaits({ count, elapsed, startMs }: Places, starts: number): number[] {
  const free = Array.from({ length: count }, (_, at) => Math.max(0, startMs - (elapsed[at] ?? startMs)));
  free.sort((one, other) => one - other);
  // No place is free later than `startMs`, so the places take turns.
  return Array.from({ length: starts }, (_, at) =>
    Math.round((free[at % count] ?? 0) + startMs * (Math.floor(at / count) + 1)),
  );
}
