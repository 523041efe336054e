import { DEADLINES } from '@spawner/domain';
import { AgentServiceService, type VerifyBackendResponse } from '@spawner/proto/internal/agent_service';
import { createClient, type RpcClient } from '@spawner/rpc';
import type { Agents } from '../routing/stale-routes.ts';

type AgentClient = RpcClient<typeof AgentServiceService>;

/** The channel that was used least lately is closed for one more. */
const MOST_CHANNELS = 256;

/** The drones' agents of a cluster, as a proxy asks them: a channel to each that was asked lately. */
export class AgentChannels implements Agents {
  readonly #asker: { cluster: string; proxyId: string };
  /** In the order of their last use. */
  readonly #channels = new Map<string, AgentClient>();

  constructor(cluster: string, proxyId: string) {
    this.#asker = { cluster, proxyId };
  }

  verify(address: string, { droneId, id }: { droneId: string; id: string }): Promise<VerifyBackendResponse> {
    const question = { ...this.#asker, droneId, id };
    return this.#channel(address).verifyBackend(question, { timeoutMs: DEADLINES.verify });
  }

  close(): void {
    for (const channel of this.#channels.values()) channel.close();
    this.#channels.clear();
  }

  #channel(address: string): AgentClient {
    const channel = this.#channels.get(address) ?? createClient(AgentServiceService, address);
    this.#channels.delete(address);
    this.#channels.set(address, channel);
    const [oldest] = this.#channels.keys();
    if (this.#channels.size > MOST_CHANNELS && oldest !== undefined) {
      this.#channels.get(oldest)?.close();
      this.#channels.delete(oldest);
    }
    return channel;
  }
}
