/**
 * Checks that every dns server serves a challenge before the ACME server is asked to look, because a failed validation
 * counts against a small hourly limit. It asks the servers directly, never a resolver that may have cached a NXDOMAIN.
 */
import { lookup, Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Clock } from '@spawner/domain';

const ASK_EVERY_MS = 250;
const ASK_TIMEOUT_MS = 2_000;
const WAIT_MS = 60_000;

/** A TXT value that an ACME server looks up at a name (RFC 8555 §8.4). */
export interface Challenge {
  name: string;
  value: string;
}

/** Resolves when every server serves every challenge. Rejects after a minute, with a server and the name it lacks. */
export type Propagation = (challenges: readonly Challenge[], signal: AbortSignal) => Promise<void>;

/** `servers`: `host:port` of each dns server. */
export function propagationTo(servers: readonly string[], clock: Clock): Propagation {
  return async (challenges, signal) => {
    await Promise.all(
      servers.flatMap((server) => challenges.map((each) => waitFor(server, each, clock, signal))),
    );
  };
}

async function waitFor(server: string, challenge: Challenge, clock: Clock, signal: AbortSignal) {
  const until = clock.now() + WAIT_MS;
  for (let failure: unknown; ; ) {
    try {
      if ((await valuesAt(server, challenge.name)).includes(challenge.value)) return;
      failure = undefined;
    } catch (error) {
      failure = error;
    }
    if (clock.now() >= until)
      throw new Error(`dns server ${server} does not serve ${challenge.name}`, { cause: failure });
    await clock.sleep(ASK_EVERY_MS, signal);
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
