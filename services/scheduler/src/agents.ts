import { AgentServiceService } from '@spawner/proto/internal/agent_service';
import { createClient, type RpcClient } from '@spawner/rpc';

export type AgentClient = RpcClient<typeof AgentServiceService>;

/** Clients of the agents, one per address, the least recently used closed beyond a bound. */
export class Agents {
  readonly #clients = new Map<string, AgentClient>();
  readonly #bound: number;

  constructor(bound = 10_000) {
    this.#bound = bound;
  }

  at(address: string): AgentClient {
    const client = this.#clients.get(address) ?? createClient(AgentServiceService, address);
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
