/**
 * Checks that every dns server serves a challenge before the ACME server is asked to look, because a failed validation
 * counts against a small hourly limit. It asks the servers directly, never a resolver that may have cached a NXDOMAIN.
 */
import { lookup, Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Clock } from '@spawner/domain';

const ASK_EVERY_MS = 250;
const ASK_TIMEOUT_MS = 2_000;
const GIVE_UP_MS = 60_000;

/** A TXT value that an ACME server looks up at a name (RFC 8555 §8.4). */
export interface Challenge {
  name: string;
  value: string;
}

export class Propagation {
  readonly #servers: readonly string[];
  readonly #clock: Clock;

  /** `servers`: `host:port` of each dns server. */
  constructor(servers: readonly string[], clock: Clock) {
    this.#servers = servers;
    this.#clock = clock;
  }

  /** Resolves when every server serves every challenge. Rejects after a minute, with a server and the name it lacks. */
  async wait(challenges: readonly Challenge[], signal: AbortSignal): Promise<void> {
    const waits = this.#servers.flatMap((server) =>
      challenges.map((each) => this.#waitFor(server, each, signal)),
    );
    await Promise.all(waits);
  }

  async #waitFor(server: string, challenge: Challenge, signal: AbortSignal): Promise<void> {
    const until = this.#clock.now() + GIVE_UP_MS;
    for (let failure: unknown; ; ) {
      try {
        if ((await valuesAt(server, challenge.name)).includes(challenge.value)) return;
        failure = undefined;
      } catch (error) {
        failure = error;
      }
      if (this.#clock.now() >= until)
        throw new Error(`dns server ${server} does not serve ${challenge.name}`, { cause: failure });
      await this.#clock.sleep(ASK_EVERY_MS, signal);
    }
  }
}

async function valuesAt(server: string, name: string): Promise<string[]> {
  const resolver = new Resolver({ timeout: ASK_TIMEOUT_MS, tries: 1 });
  resolver.setServers([await addressOf(server)]);
  return (await resolver.resolveTxt(name)).map((strings) => strings.join(''));
}

/** The server with its host resolved, because the Resolver accepts only IP addresses. */
async function addressOf(server: string): Promise<string> {
  const colon = server.lastIndexOf(':');
  const host = server.slice(0, colon).replace(/^\[|\]$/g, '');
  const address = isIP(host) ? host : (await lookup(host)).address;
  return `${isIP(address) === 6 ? `[${address}]` : address}:${server.slice(colon + 1)}`;
}
