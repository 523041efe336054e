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
      const { ttlMs } = request;
      const inTime = Number.isInteger(ttlMs) && ttlMs > 0 && ttlMs <= MAX_TTL_MS;
      const late = { field: 'ttl_ms', message: `must be from 1 to ${MAX_TTL_MS}` };
      await challenges.set(parseChallenge(request, domain, inTime ? [] : [late]), ttlMs);
      return {};
    },
    clearChallenge: async (request) => {
      await challenges.clear(parseChallenge(request, domain));
      return {};
    },
  });
}

/** Throws `invalid` for its own faults and the `others` at once. */
function parseChallenge(request: Challenge, domain: string, others: readonly Violation[] = []): Challenge {
  const { value } = request;
  const name = request.name.replace(/\.$/, '').toLowerCase();
  const violations: Violation[] = [];
  if (!isChallengeName(name, domain))
    violations.push({ field: 'name', message: `must be ${PREFIX}${domain} or ${PREFIX}<name>.${domain}` });
  if (!/^[\x21-\x7e]+$/.test(value) || value.length > MAX_VALUE_BYTES)
    violations.push({
      field: 'value',
      message: `must be 1 to ${MAX_VALUE_BYTES} visible ASCII characters`,
    });
  refuseViolations([...violations, ...others]);
  return { name, value };
}

function isChallengeName(name: string, domain: string): boolean {
  const proved = name.slice(PREFIX.length);
  return (
    name.startsWith(PREFIX) &&
    name.length <= MAX_NAME_CHARACTERS &&
    (proved === domain || proved.endsWith(`.${domain}`)) &&
    proved.split('.').every((label) => /^[a-z0-9_-]{1,63}$/.test(label))
  );
}
