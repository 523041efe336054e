import { counter, durations } from '@spawner/service';

export type Metrics = ReturnType<typeof createMetrics>;

/** Counts what the scheduler does. To be created after the metrics have been started. */
export function createMetrics() {
  const placements = counter('spawner.scheduler.placements', 'Placements by outcome');
  const registrations = counter('spawner.scheduler.registrations', 'Registrations by kind of node');
  const refused = counter(
    'spawner.scheduler.refused_claims',
    'Inventory entries that this cluster did not place',
  );
  const settlements = counter('spawner.scheduler.settlements', 'Suspended routes settled, by outcome');
  return {
    placed: (outcome: string) => placements({ outcome }),
    placedIn: durations('spawner.scheduler.place', "From a spawn's arrival to its placement"),
    handedOver: durations('spawner.scheduler.hand_over', "From a placement to its drone's acceptance"),
    registered: (kind: string) => registrations({ kind }),
    /** Inventory entries without a valid claim. */
    refusedClaims: (count: number) => refused({}, count),
    settled: (outcome: string) => settlements({ outcome }),
  };
}
