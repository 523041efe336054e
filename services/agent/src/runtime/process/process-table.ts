import type { Clock } from '@spawner/domain';
import { everyProcess, type ProcessFacts } from './proc.ts';

/**
 * All processes of the machine, read less than `ageMs` ago, with the instant of the read. Reading them takes some
 * milliseconds, so the samples of all backends share one read; with a hundred backends, one read each would keep the agent
 * busy.
 */
export function processTable(clock: Clock, look = everyProcess) {
  let seen: { at: number; processes: readonly ProcessFacts[] } | undefined;
  return (ageMs: number) => {
    const at = clock.now();
    if (!seen || at - seen.at >= ageMs) seen = { at, processes: look() };
    return seen;
  };
}
