import { isBackendId } from '@spawner/domain';
import { parseDue } from '@spawner/store';
import type { Parts } from '../parts.ts';

type SweepParts = Pick<
  Parts,
  'store' | 'nodes' | 'placements' | 'members' | 'leases' | 'suspensions' | 'tokens' | 'log'
>;

/** The most batches of one turn, so that a thousand ends at once do not delay a lease. */
const BATCHES = 20;

/**
 * One turn of the sweep: advances the cluster clock and handles what is due. Two schedulers may handle the same entry; the
 * second one changes nothing.
 */
export async function sweep(parts: SweepParts): Promise<void> {
  for (let batch = 1; batch <= BATCHES; batch++) {
    const { entries, more } = await parts.nodes.sweep();
    for (const entry of entries) await handle(entry, parts);
    if (!more) break;
  }
  await parts.members.refreshProxies();
  await parts.members.forgetOthers();
}

async function handle(entry: string, parts: SweepParts): Promise<void> {
  const { store, placements, leases, suspensions, tokens, log } = parts;
  const due = parseDue(entry);
  switch (due?.kind) {
    case 'forget':
      return store.forget(due.id);
    case 'silent':
      return leases.miss(due.id);
    case 'lease':
      return leases.lapse(due.id);
    case 'drone':
      await leases.forget(due.id);
      return;
    case 'reserve':
      if (isBackendId(due.id)) await placements.expire(due.id);
      return;
    case 'suspend':
      await suspensions.settle(due.id, Number(due.of), false);
      return;
    case 'token':
      return tokens.expire(due.id, due.of);
    case undefined:
      log.error({ entry }, 'an unknown deadline');
  }
}
