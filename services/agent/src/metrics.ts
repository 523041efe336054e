import { EndReason } from '@spawner/proto/v1/backend';
import { counter, durations, gauge, gaugeBy } from '@spawner/service';
import type { SandboxKeeper } from './network/sandbox-keeper.ts';

export type Metrics = ReturnType<typeof createMetrics>;

/** The agent's metrics. Created after the meter provider has started. */
export function createMetrics() {
  const starts = counter('spawner.agent.starts', 'Backends accepted from the scheduler');
  const ends = counter('spawner.agent.ends', 'Backends that ended, by reason');
  const settlements = counter('spawner.agent.settlements', 'Attempts at an idle shutdown, by verdict');
  const names = Object.entries(EndReason);
  return {
    started: () => starts(),
    ended: (reason: EndReason) =>
      ends({ reason: names.find(([, value]) => value === reason)?.[0] ?? 'UNSPECIFIED' }),
    pulled: durations('spawner.agent.pull', 'From accepting a backend to the presence of its image'),
    queued: durations('spawner.agent.queue', 'From the presence of the image to a place among the starts'),
    networked: durations(
      'spawner.agent.network',
      'Until a container that is created had its network or address',
    ),
    created: durations('spawner.agent.create', 'Creation of a container'),
    launched: durations('spawner.agent.start', 'Creation and start of a container'),
    answered: durations('spawner.agent.ready', 'From the start of a program to its first answer'),
    settled: (verdict: 'end' | 'use') => settlements({ verdict }),
  };
}

/** Reports the number of backends that have not ended, and of starts that wait. */
export function observeBackends(living: () => number, waiting: () => number): void {
  gauge('spawner.agent.backends', 'Backends that have not ended', living);
  gauge('spawner.agent.waiting_starts', 'Starts that wait for a place', waiting);
}

/** Reports the sandboxes of the drone, and how its starts reached the network. */
export function observeSandboxes(sandboxes: SandboxKeeper | undefined): void {
  if (!sandboxes) return;
  gaugeBy('spawner.agent.sandboxes', 'Network sandboxes, by state', 'state', () => {
    const { ready, taken, discarded } = sandboxes.counts;
    return { ready, taken, discarded };
  });
  gaugeBy(
    'spawner.agent.links',
    'Starts since the agent began, by network',
    'network',
    () => sandboxes.counts.starts,
  );
}
