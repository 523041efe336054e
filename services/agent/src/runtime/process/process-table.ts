import type { Clock } from '@spawner/domain';
import { everyProcess, type ProcessFacts } from './proc.ts';

/**
 * All processes of the machine as they were a moment ago. A look at them costs some milliseconds, so that every backend's
 * samples are taken from one look: a look for each would keep a drone of a hundred busy with nothing else.
 */
export class ProcessTable {
  readonly #clock: Clock;
  readonly #look: () => ProcessFacts[];
  #seen: { at: number; processes: ProcessFacts[] } | undefined;

  constructor(clock: Clock, look: () => ProcessFacts[] = everyProcess) {
    this.#clock = clock;
    this.#look = look;
  }

  /** With the clock's time of the look, which was less than `ageMs` ago. */
  within(ageMs: number): { readonly at: number; readonly processes: readonly ProcessFacts[] } {
    const at = this.#clock.now();
    if (!this.#seen || at - this.#seen.at >= ageMs) this.#seen = { at, processes: this.#look() };
    return this.#seen;
  }
}
