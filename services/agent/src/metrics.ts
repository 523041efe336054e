import { EndReason } from '@spawner/proto/v1/backend';
import { counter, durations, gauge } from '@spawner/service';

/** The agent's metrics. Created after the meter provider has started. */
export interface Metrics {
  started(): void;
  ended(reason: EndReason): void;
  pulled(seconds: number): void;
  launched(seconds: number): void;
  answered(seconds: number): void;
  settled(verdict: 'end' | 'use'): void;
}

export function createMetrics(): Metrics {
  const starts = counter('spawner.agent.starts', 'Backends accepted from the scheduler');
  const ends = counter('spawner.agent.ends', 'Backends that ended, by reason');
  const settlements = counter('spawner.agent.settlements', 'Attempts at an idle shutdown, by verdict');
  const pull = durations('spawner.agent.pull', 'From accepting a backend to the presence of its image');
  const start = durations('spawner.agent.start', 'Creation and start of a container');
  const ready = durations('spawner.agent.ready', 'From the start of a program to its first answer');
  const names = Object.entries(EndReason);
  return {
    started: () => starts(),
    ended: (reason) => ends({ reason: names.find(([, value]) => value === reason)?.[0] ?? 'UNSPECIFIED' }),
    pulled: (seconds) => pull(seconds),
    launched: (seconds) => start(seconds),
    answered: (seconds) => ready(seconds),
    settled: (verdict) => settlements({ verdict }),
  };
}

/** Reports the number of backends that have not ended. */
export function observeBackends(living: () => number): void {
  gauge('spawner.agent.backends', 'Backends that have not ended', living);
}
