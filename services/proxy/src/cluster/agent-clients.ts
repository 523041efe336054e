import { DEADLINES } from '@spawner/domain';
import { AgentServiceService } from '@spawner/proto/internal/agent_service';
import { ClientPool, createClient } from '@spawner/rpc';
import type { Agents } from '../routing/stale-routes.ts';

/** A proxy asks few agents at a time: only those of stale routes in use. */
const MOST_CLIENTS = 256;

/** Asks the drones' agents of a cluster whether a backend is still there. */
export function agentClients(cluster: string, proxyId: string): Agents & { close(): void } {
  const clients = new ClientPool((address) => createClient(AgentServiceService, address), MOST_CLIENTS);
  return {
    verify: (address, question) =>
      clients.at(address).verifyBackend({ cluster, proxyId, ...question }, { timeoutMs: DEADLINES.verify }),
    close: () => clients.close(),
  };
}
