import type { Clock } from '@spawner/domain';
import { DnsServiceService } from '@spawner/proto/internal/dns_service';
import { createClient, type RpcClient } from '@spawner/rpc';
import type { Log } from '@spawner/service';
import type { Challenge, Challenges } from './challenges.ts';
import type { Propagation } from './propagation.ts';

/** A challenge that nobody withdrew goes after this long. */
const TTL_MS = 600_000;
/** Servers that start just now, as they do beside us, are waited for: an order that fails costs the issuer's patience, and half a minute. */
const PATIENCE_MS = 10_000;
const AGAIN_MS = 250;

/** Challenges on the cluster's own dns servers. Any of them may be told: they share one table. */
export class DnsChallenges implements Challenges {
  readonly #clients: RpcClient<typeof DnsServiceService>[];
  readonly #propagation: Propagation;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(addresses: readonly string[], propagation: Propagation, clock: Clock, log: Log) {
    this.#clients = addresses.map((address) => createClient(DnsServiceService, address));
    this.#propagation = propagation;
    this.#clock = clock;
    this.#log = log;
  }

  async publish(challenges: readonly Challenge[], signal: AbortSignal): Promise<void> {
    const until = this.#clock.now() + PATIENCE_MS;
    for (const challenge of challenges)
      await this.#insist(until, signal, (client) =>
        client.setChallenge({ ...challenge, ttlMs: TTL_MS }, { signal }),
      );
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

  async #insist(
    until: number,
    signal: AbortSignal,
    what: (client: RpcClient<typeof DnsServiceService>) => Promise<unknown>,
  ): Promise<void> {
    for (;;) {
      try {
        return await this.#tell(what);
      } catch (error) {
        if (signal.aborted || this.#clock.now() >= until) throw error;
        await this.#clock.sleep(AGAIN_MS, signal);
      }
    }
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
