import { refuseViolations, type Violation } from '@spawner/domain';
import { DnsServiceService } from '@spawner/proto/internal/dns_service';
import { type Implementation, implement } from '@spawner/rpc';
import type { Challenge, Challenges } from './challenges.ts';

const PREFIX = '_acme-challenge.';
/** The longest character string of a TXT record (RFC 1035 §3.3). */
const MAX_VALUE_BYTES = 255;
const MAX_NAME_CHARACTERS = 253;
const MAX_TTL_MS = 24 * 3_600_000;

/** spawner.internal.v1.DnsService. */
export function dnsService(challenges: Challenges, domain: string): Implementation {
  return implement(DnsServiceService, {
    setChallenge: async (request) => {
      const challenge = parseChallenge(request, domain, violationsOfTtl(request.ttlMs));
      await challenges.set(challenge, request.ttlMs);
      return {};
    },
    clearChallenge: async (request) => {
      await challenges.clear(parseChallenge(request, domain, []));
      return {};
    },
  });
}

function parseChallenge(
  request: { name: string; value: string },
  domain: string,
  more: readonly Violation[],
): Challenge {
  const name = request.name.replace(/\.$/, '').toLowerCase();
  refuseViolations([...violationsOfName(name, domain), ...violationsOfValue(request.value), ...more]);
  return { name, value: request.value };
}

function violationsOfName(name: string, domain: string): Violation[] {
  const proved = name.slice(PREFIX.length);
  const labels = proved.split('.');
  const good =
    name.startsWith(PREFIX) &&
    name.length <= MAX_NAME_CHARACTERS &&
    (proved === domain || proved.endsWith(`.${domain}`)) &&
    labels.every((label) => /^[a-z0-9_-]{1,63}$/.test(label));
  return good ? [] : [{ field: 'name', message: `must be ${PREFIX}${domain} or ${PREFIX}<name>.${domain}` }];
}

function violationsOfValue(value: string): Violation[] {
  const good = /^[\x21-\x7e]+$/.test(value) && value.length <= MAX_VALUE_BYTES;
  return good
    ? []
    : [{ field: 'value', message: `must be 1 to ${MAX_VALUE_BYTES} visible ASCII characters` }];
}

function violationsOfTtl(ttlMs: number): Violation[] {
  if (Number.isInteger(ttlMs) && ttlMs > 0 && ttlMs <= MAX_TTL_MS) return [];
  return [{ field: 'ttl_ms', message: `must be from 1 to ${MAX_TTL_MS}` }];
}
