import { DnsServiceService } from '@spawner/proto/internal/dns_service';
import { createClient, type RpcClient } from '@spawner/rpc';
import type { Log } from '@spawner/service';
import type { Challenge, Challenges } from './challenges.ts';
import type { Propagation } from './propagation.ts';

/** A challenge that nobody withdrew goes after this long. */
const TTL_MS = 600_000;

/** Challenges on the cluster's own dns servers. Any of them may be told: they share one table. */
export class DnsChallenges implements Challenges {
  readonly #clients: RpcClient<typeof DnsServiceService>[];
  readonly #propagation: Propagation;
  readonly #log: Log;

  constructor(addresses: readonly string[], propagation: Propagation, log: Log) {
    this.#clients = addresses.map((address) => createClient(DnsServiceService, address));
    this.#propagation = propagation;
    this.#log = log;
  }

  async publish(challenges: readonly Challenge[], signal: AbortSignal): Promise<void> {
    for (const challenge of challenges)
      await this.#tell((client) => client.setChallenge({ ...challenge, ttlMs: TTL_MS }, { signal }));
    await this.#propagation.wait(challenges, signal);
  }

  async withdraw(challenges: readonly Challenge[]): Promise<void> {
    for (const challenge of challenges)
      await this.#tell((client) => client.clearChallenge(challenge)).catch((error: unknown) =>
        this.#log.warn({ error, name: challenge.name }, 'a challenge was not withdrawn'),
      );
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  /** Asks one server after the other until one does it. */
  async #tell(what: (client: RpcClient<typeof DnsServiceService>) => Promise<unknown>): Promise<void> {
    const failures: unknown[] = [];
    for (const client of this.#clients) {
      try {
        await what(client);
        return;
      } catch (error) {
        failures.push(error);
      }
    }
    throw new Error('no dns server took the challenge', { cause: failures[0] });
  }
}
