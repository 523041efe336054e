import { isBackendId } from '@spawner/domain';
import type { Log } from '@spawner/service';
import type { Backends } from '../spawn/backends.ts';
import type { ConnectionTokens } from '../spawn/connection-tokens.ts';
import type { BackendStore } from '../store/backend-store.ts';
import type { NodeStore } from '../store/node-store.ts';
import type { Leases } from './leases.ts';
import type { Nodes } from './nodes.ts';
import type { Suspensions } from './suspensions.ts';

export interface SweepParts {
  nodeStore: NodeStore;
  backendStore: BackendStore;
  backends: Backends;
  nodes: Nodes;
  leases: Leases;
  suspensions: Suspensions;
  tokens: ConnectionTokens;
}

/** A turn takes so many batches at most: a thousand ends at once must not hold a lease up, nor a turn go on for ever. */
const BATCHES = 20;

/**
 * One turn of the sweep that every scheduler makes once a second: the cluster clock goes on, and what
 * is due is handled. Two schedulers may handle the same entry; the second changes nothing.
 */
export async function sweep(parts: SweepParts, log: Log): Promise<void> {
  for (let batch = 1; batch <= BATCHES; batch++) {
    const { entries, more } = await parts.nodeStore.sweep();
    for (const entry of entries) await handle(entry, parts, log);
    if (!more) break;
  }
  await parts.nodes.refreshProxies();
  await parts.nodes.forgetOthers();
}

async function handle(entry: string, parts: SweepParts, log: Log): Promise<void> {
  const { backendStore, backends, leases, suspensions, tokens } = parts;
  const [what, id = '', of = ''] = entry.split('/');
  if (what === 'forget') await backendStore.forget(id);
  else if (what === 'silent') await leases.miss(id);
  else if (what === 'lease') await leases.lapse(id);
  else if (what === 'drone') await leases.giveUp(id);
  else if (what === 'reserve' && isBackendId(id)) await backends.expire(id);
  else if (what === 'suspend') await suspensions.settle(id, Number(of), false);
  else if (what === 'token') await tokens.expire(id, of);
  else log.error({ entry }, 'an unknown deadline');
}
