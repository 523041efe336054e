import { failuresInRow, restartDelayMs } from '@spawner/service';

/**
 * Which worker is to be started when, and when the whole is to give up: decided here, done elsewhere. Times are the caller's
 * clock in milliseconds. A worker that ends is started again at once, and later and later while it does not stay.
 */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

export type AfterExit = { kind: 'again'; inMs: number } | { kind: 'give up' } | { kind: 'over' };

/** Looked at so often in a row without a word from it, a worker hangs. */
export const MOST_SILENT_LOOKS = 30;

type Place =
  | { is: 'away'; startAt: number }
  | { is: 'running'; silentLooks: number; servesSince: number | undefined };

export class Roster {
  readonly #places: Place[];
  readonly #failures: number[];
  readonly #random: () => number;
  #served = new Set<number>();
  #draining = false;

  /** Slots are 1 to `count`; `random` is below 1. */
  constructor(count: number, random: () => number) {
    this.#places = Array.from({ length: count }, () => ({ is: 'away', startAt: Number.NEGATIVE_INFINITY }));
    this.#failures = new Array<number>(count).fill(0);
    this.#random = random;
  }

  /** The slots whose worker is to be started now. */
  due(now: number): number[] {
    if (this.#draining) return [];
    return this.#places.flatMap((place, at) => (place.is === 'away' && place.startAt <= now ? [at + 1] : []));
  }

  started(slot: number): void {
    this.#places[slot - 1] = { is: 'running', silentLooks: 0, servesSince: undefined };
  }

  /** It has said how it is. */
  heard(slot: number, serves: boolean, now: number): void {
    const place = this.#places[slot - 1];
    if (place?.is !== 'running') return;
    place.silentLooks = 0;
    place.servesSince = serves ? (place.servesSince ?? now) : undefined;
    if (serves) this.#served.add(slot);
  }

  /** To be asked once a second; the slots whose worker hangs. Counted in looks: one who slept himself blames nobody. */
  look(): number[] {
    return this.#places.flatMap((place, at) =>
      place.is === 'running' && ++place.silentLooks > MOST_SILENT_LOOKS ? [at + 1] : [],
    );
  }

  /**
   * What follows from an end. While none has ever served, one that ended by itself with an error would do so again, like a
   * proxy that cannot start.
   */
  exited(slot: number, { code }: Exit, now: number): AfterExit {
    const place = this.#places[slot - 1];
    const served = place?.is === 'running' ? now - (place.servesSince ?? now) : 0;
    const failures = failuresInRow(this.#failures[slot - 1] ?? 0, served);
    const inMs = restartDelayMs(failures, this.#random);
    this.#failures[slot - 1] = failures;
    this.#places[slot - 1] = { is: 'away', startAt: now + inMs };
    if (this.#draining) return { kind: 'over' };
    if (this.#served.size === 0 && code !== null && code !== 0) return { kind: 'give up' };
    return { kind: 'again', inMs };
  }

  /** None is started any more. */
  drain(): void {
    this.#draining = true;
  }

  get running(): number {
    return this.#places.filter(({ is }) => is === 'running').length;
  }

  /** How many serve now. */
  get serving(): number {
    return this.#places.filter((place) => place.is === 'running' && place.servesSince !== undefined).length;
  }

  /** Each slot has had a worker that served. */
  get complete(): boolean {
    return this.#served.size === this.#places.length;
  }
}
