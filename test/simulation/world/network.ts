import type { Process } from './process.ts';
import type { World } from './world.ts';

/** How badly messages fare, as probabilities. */
export interface Weather {
  readonly lost: number;
  readonly slow: number;
  readonly doubled: number;
}

export const CALM: Weather = { lost: 0, slow: 0, doubled: 0 };

/** The longest delays of a message in true milliseconds: in calm weather, and in bad weather or between parties far apart. */
export const LONGEST_DELAY = { calm: 1.5, bad: 12_000 } as const;

/**
 * The ways between parties (processes by their names, `redis`, `bus`, `clients`). Each message takes its
 * own time, so that later ones overtake; in bad weather some are lost, late by seconds, or come twice.
 * Between two parties that are cut off from each other nothing passes, whatever is under way included.
 */
export class Network {
  weather: Weather = CALM;
  readonly #world: World;
  readonly #cuts = new Map<string, Set<string>>();
  readonly #lags = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  cut(a: string, b: string): void {
    this.#world.note('cut', a, b);
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const cuts = this.#cuts.get(from) ?? new Set();
      this.#cuts.set(from, cuts.add(to));
    }
  }

  heal(a: string, b: string): void {
    this.#world.note('heal', a, b);
    this.#cuts.get(a)?.delete(b);
    this.#cuts.get(b)?.delete(a);
  }

  healAll(): void {
    this.#cuts.clear();
    this.#lags.clear();
    this.weather = CALM;
  }

  reaches(a: string, b: string): boolean {
    return !this.#cuts.get(a)?.has(b);
  }

  /** A way that is short unless the weather is bad or these two are far apart. */
  delay(from: string, to: string): number {
    const { random } = this.#world;
    if (this.weather.slow > 0 && random.chance(this.weather.slow))
      return random.skewed(20, LONGEST_DELAY.bad);
    const far = this.#lags.size > 0 ? this.#lags.get(pair(from, to)) : undefined;
    return far === undefined ? random.between(0.1, LONGEST_DELAY.calm) : random.between(far / 4, far);
  }

  /** Every message between the two takes up to `ms`; 0 for as usual. */
  lag(a: string, b: string, ms: number): void {
    this.#world.note('lag', a, b);
    if (ms > 0) this.#lags.set(pair(a, b), ms);
    else this.#lags.delete(pair(a, b));
  }

  /** Takes a message to a party that only passes it on. */
  relay(from: string, to: string, run: () => void): void {
    this.send(from, to, run, undefined, true);
  }

  /** Takes a message from one party to another; `owner` is whose life it must find there. */
  send(from: string, to: string, run: () => void, owner?: Process, isRelay = false): void {
    if (!this.reaches(from, to)) return;
    const { random } = this.#world;
    const { lost, doubled } = this.weather;
    if (lost > 0 && random.chance(lost)) {
      this.#world.note('lost', from, to);
      return;
    }
    this.#deliver(from, to, run, owner, isRelay);
    if (doubled > 0 && random.chance(doubled)) {
      this.#world.note('doubled', from, to);
      this.#deliver(from, to, run, owner, isRelay);
    }
  }

  #deliver(from: string, to: string, run: () => void, owner: Process | undefined, isRelay: boolean): void {
    const arrive = () => {
      if (this.reaches(from, to)) run();
    };
    const delay = this.delay(from, to);
    if (isRelay) this.#world.relay(delay, arrive, owner);
    else this.#world.after(delay, arrive, owner);
  }
}

function pair(a: string, b: string): string {
  return a < b ? `${a}/${b}` : `${b}/${a}`;
}
