import type { Clock } from '@spawner/domain';
import { everyProcess, type ProcessFacts } from './proc.ts';

/**
 * All processes of the machine as they were a moment ago. Reading them takes some milliseconds, so the samples of all
 * backends share one read; with a hundred backends, one read each would keep the agent busy.
 */
export class ProcessTable {
  readonly #clock: Clock;
  readonly #look: () => ProcessFacts[];
  #seen: { at: number; processes: ProcessFacts[] } | undefined;

  constructor(clock: Clock, look: () => ProcessFacts[] = everyProcess) {
    this.#clock = clock;
    this.#look = look;
  }

  /** The processes, read less than `ageMs` ago, with the instant of the read. */
  within(ageMs: number): { readonly at: number; readonly processes: readonly ProcessFacts[] } {
    const at = this.#clock.now();
    if (!this.#seen || at - this.#seen.at >= ageMs) this.#seen = { at, processes: this.#look() };
    return this.#seen;
  }
}
