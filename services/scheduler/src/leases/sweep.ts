import { isBackendId } from '@spawner/domain';
import type { Log } from '@spawner/service';
import { parseDue } from '@spawner/store';
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
  const due = parseDue(entry);
  switch (due?.kind) {
    case 'forget':
      return backendStore.forget(due.backend);
    case 'silent':
      return leases.miss(due.drone);
    case 'lease':
      await leases.lapse(due.drone);
      return;
    case 'drone':
      await leases.giveUp(due.drone);
      return;
    case 'reserve':
      if (isBackendId(due.backend)) await backends.expire(due.backend);
      return;
    case 'suspend':
      await suspensions.settle(due.backend, due.epoch, false);
      return;
    case 'token':
      return tokens.expire(due.token, due.backend);
    case undefined:
      log.error({ entry }, 'an unknown deadline');
  }
}
