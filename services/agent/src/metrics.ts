import { EndReason } from '@spawner/proto/v1/backend';
import { counter, durations } from '@spawner/service';

/** What the agent counts and measures. Made after the metrics have been started. */
export interface Metrics {
  started(): void;
  ended(reason: EndReason): void;
  pulled(seconds: number): void;
  launched(seconds: number): void;
  answered(seconds: number): void;
  settled(verdict: 'end' | 'use'): void;
}

export function createMetrics(): Metrics {
  const starts = counter('spawner.agent.starts', 'Backends taken over');
  const ends = counter('spawner.agent.ends', 'Backends that ended, by reason');
  const settlements = counter('spawner.agent.settlements', 'Ends for idleness asked for, by verdict');
  const pull = durations('spawner.agent.pull', 'From taking a backend over to its image being there');
  const start = durations('spawner.agent.start', 'Creating and starting a container');
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
