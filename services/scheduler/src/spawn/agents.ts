import { AgentServiceService } from '@spawner/proto/internal/agent_service';
import { createClient, type RpcClient } from '@spawner/rpc';

export type AgentClient = RpcClient<typeof AgentServiceService>;

/** Clients of the agents, one per address, the least recently used closed beyond a bound. */
export class Agents {
  readonly #clients = new Map<string, AgentClient>();
  readonly #connect: (address: string) => AgentClient;
  readonly #bound: number;

  constructor(connect: (address: string) => AgentClient = agentAt, bound = 10_000) {
    this.#connect = connect;
    this.#bound = bound;
  }

  at(address: string): AgentClient {
    const client = this.#clients.get(address) ?? this.#connect(address);
    this.#clients.delete(address);
    this.#clients.set(address, client);
    const [oldest] = this.#clients;
    if (this.#clients.size > this.#bound && oldest) {
      oldest[1].close();
      this.#clients.delete(oldest[0]);
    }
    return client;
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }
}

function agentAt(address: string): AgentClient {
  return createClient(AgentServiceService, address);
}
