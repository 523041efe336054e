import { DEADLINES } from '@spawner/domain';
import { AgentServiceService, type VerifyBackendResponse } from '@spawner/proto/internal/agent_service';
import { ClientPool, createClient } from '@spawner/rpc';
import type { Agents } from '../routing/stale-routes.ts';

/** A proxy asks few agents at a time: only those of stale routes in use. */
const MOST_CLIENTS = 256;

/** Asks the drones' agents of a cluster whether a backend is still there. */
export class AgentClients implements Agents {
  readonly #asker: { cluster: string; proxyId: string };
  readonly #clients = new ClientPool((address) => createClient(AgentServiceService, address), MOST_CLIENTS);

  constructor(cluster: string, proxyId: string) {
    this.#asker = { cluster, proxyId };
  }

  verify(address: string, { droneId, id }: { droneId: string; id: string }): Promise<VerifyBackendResponse> {
    const question = { ...this.#asker, droneId, id };
    return this.#clients.at(address).verifyBackend(question, { timeoutMs: DEADLINES.verify });
  }

  close(): void {
    this.#clients.close();
  }
}
