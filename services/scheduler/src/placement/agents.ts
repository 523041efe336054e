import { AgentServiceService } from '@spawner/proto/internal/agent_service';
import { ClientPool, createClient, type RpcClient } from '@spawner/rpc';

export type AgentClient = RpcClient<typeof AgentServiceService>;
/** Clients of the drones' agents, by address. */
export type Agents = ClientPool<AgentClient>;

/** More than a scheduler's cluster has drones, so that none is closed while its drone lives. */
const MOST = 10_000;

export function agentClients(
  connect: (address: string) => AgentClient = (address) => createClient(AgentServiceService, address),
): Agents {
  return new ClientPool(connect, MOST);
}
