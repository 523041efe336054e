import { isBackendId } from '@spawner/domain';
import type { Log } from '@spawner/service';
import { parseDue } from '@spawner/store';
import type { ConnectionTokens } from '../backends/connection-tokens.ts';
import type { Placements } from '../placement/placements.ts';
import type { BackendStore } from '../store/backend-store.ts';
import type { NodeStore } from '../store/node-store.ts';
import type { Leases } from './leases.ts';
import type { Nodes } from './nodes.ts';
import type { Suspensions } from './suspensions.ts';

export interface SweepParts {
  store: BackendStore;
  nodes: NodeStore;
  placements: Placements;
  members: Nodes;
  leases: Leases;
  suspensions: Suspensions;
  tokens: ConnectionTokens;
}

/** The most batches of one turn, so that a thousand ends at once do not delay a lease. */
const BATCHES = 20;

/**
 * One turn of the sweep: advances the cluster clock and handles what is due. Two schedulers may handle the same entry; the
 * second one changes nothing.
 */
export async function sweep(parts: SweepParts, log: Log): Promise<void> {
  for (let batch = 1; batch <= BATCHES; batch++) {
    const { entries, more } = await parts.nodes.sweep();
    for (const entry of entries) await handle(entry, parts, log);
    if (!more) break;
  }
  await parts.members.refreshProxies();
  await parts.members.forgetOthers();
}

async function handle(entry: string, parts: SweepParts, log: Log): Promise<void> {
  const { store, placements, leases, suspensions, tokens } = parts;
  const due = parseDue(entry);
  switch (due?.kind) {
    case 'forget':
      return store.forget(due.id);
    case 'silent':
      return leases.miss(due.id);
    case 'lease':
      await leases.lapse(due.id);
      return;
    case 'drone':
      await leases.giveUp(due.id);
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
