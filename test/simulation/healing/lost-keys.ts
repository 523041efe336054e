import { endsWithLease } from '@spawner/proto';
import { BackendFacts } from '@spawner/proto/internal/backend_status';
import { OnLeaseLoss } from '@spawner/proto/v1/backend';
import type { ReadStore } from '../checks/read-store.ts';
import type { Cluster } from '../cluster.ts';
import { KEYS } from '../parts/scheduler.ts';
import { BOUNDS } from './bounds.ts';
import type { Unmet } from './unmet.ts';

/** A strict key that a drone holds which was lost. */
export function heldKey({ drones, read }: Cluster, healedAt: number): Unmet | undefined {
  for (const { name, engine, burntAt } of drones) {
    if (!engine.gone) continue;
    const held = (read(['SMEMBERS', KEYS.living(name)]) as string[]).find((id) => isStrict(read, id));
    if (held)
      return {
        invariant: 'lease',
        message: `${held} was lost with ${name}, and still holds its key`,
        by: Math.max(healedAt, burntAt) + BOUNDS.lapsed,
      };
  }
  return undefined;
}

function isStrict(read: ReadStore, id: string): boolean {
  const facts = read(['HGET', KEYS.backend(id), 'facts']) as string;
  const { key, spec } = BackendFacts.decode(Buffer.from(facts, 'latin1'));
  return endsWithLease(spec?.onLeaseLoss ?? OnLeaseLoss.UNSPECIFIED, key);
}
