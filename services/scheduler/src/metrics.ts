import { counter } from '@spawner/service';

/** Counts what the scheduler does. To be created after the metrics have been started. */
export interface Metrics {
  placed(outcome: string): void;
  registered(kind: string): void;
  /** Inventory entries without a valid claim. */
  refusedClaims(count: number): void;
  settled(outcome: string): void;
}

export function createMetrics(): Metrics {
  const placements = counter('spawner.scheduler.placements', 'Placements by outcome');
  const registrations = counter('spawner.scheduler.registrations', 'Registrations by kind of node');
  const refused = counter(
    'spawner.scheduler.refused_claims',
    'Inventory entries that this cluster did not place',
  );
  const settlements = counter('spawner.scheduler.settlements', 'Suspended routes settled, by outcome');
  return {
    placed: (outcome) => placements({ outcome }),
    registered: (kind) => registrations({ kind }),
    refusedClaims: (count) => refused({}, count),
    settled: (outcome) => settlements({ outcome }),
  };
}
