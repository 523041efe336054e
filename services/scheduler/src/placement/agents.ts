import { AgentServiceService } from '@spawner/proto/internal/agent_service';
import { NodeKind } from '@spawner/proto/internal/node';
import { ClientPool, createClient, type RpcClient } from '@spawner/rpc';
import type { Parts } from '../parts.ts';

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

/** The client of a drone's agent. Returns undefined if the drone is not registered. */
export async function agentOf(
  drone: string,
  { nodes, agents }: Pick<Parts, 'nodes' | 'agents'>,
): Promise<AgentClient | undefined> {
  const node = await nodes.find(NodeKind.DRONE, drone);
  return node && agents.at(node.rpcAddress);
}
