import type { Clock } from '@spawner/domain';
import { DnsServiceService } from '@spawner/proto/internal/dns_service';
import { createClient, type RpcClient } from '@spawner/rpc';
import type { Log } from '@spawner/service';
import type { Challenge, Propagation } from './propagation.ts';

/** A challenge that was not removed expires after this long. */
const TTL_MS = 600_000;
/**
 * Time for dns servers that are just starting, as they do together with this service. A failed order would cost half a
 * minute, and counts against the issuer's limits.
 */
const PATIENCE_MS = 10_000;
const AGAIN_MS = 250;

type DnsClient = RpcClient<typeof DnsServiceService>;

/**
 * Publishes challenges where ACME servers look them up: on the cluster's dns servers. They share one table, so a call to
 * one server is enough.
 */
export class DnsChallenges {
  readonly #clients: DnsClient[];
  readonly #propagation: Propagation;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(addresses: readonly string[], propagation: Propagation, clock: Clock, log: Log) {
    this.#clients = addresses.map((address) => createClient(DnsServiceService, address));
    this.#propagation = propagation;
    this.#clock = clock;
    this.#log = log;
  }

  /** Publishes all of them together. Resolves when every dns server serves every one. */
  async publish(challenges: readonly Challenge[], signal: AbortSignal): Promise<void> {
    const until = this.#clock.now() + PATIENCE_MS;
    for (const challenge of challenges)
      await this.#insist(until, signal, (client) =>
        client.setChallenge({ ...challenge, ttlMs: TTL_MS }, { signal }),
      );
    await this.#propagation(challenges, signal);
  }

  /** Never rejects. A challenge that could not be removed expires. */
  async remove(challenges: readonly Challenge[]): Promise<void> {
    for (const challenge of challenges)
      await this.#callAny((client) => client.clearChallenge(challenge)).catch((error: unknown) =>
        this.#log.warn({ error, name: challenge.name }, 'a challenge was not removed'),
      );
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  async #insist(
    until: number,
    signal: AbortSignal,
    call: (client: DnsClient) => Promise<unknown>,
  ): Promise<void> {
    for (;;) {
      try {
        return await this.#callAny(call);
      } catch (error) {
        if (signal.aborted || this.#clock.now() >= until) throw error;
        await this.#clock.sleep(AGAIN_MS, signal);
      }
    }
  }

  /** Calls one server after the other until one succeeds. */
  async #callAny(call: (client: DnsClient) => Promise<unknown>): Promise<void> {
    let cause: unknown;
    for (const client of this.#clients) {
      try {
        await call(client);
        return;
      } catch (error) {
        cause ??= error;
      }
    }
    throw new Error('no dns server accepted the challenge', { cause });
  }
}
