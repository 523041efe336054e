import { backoffMs } from '@spawner/domain';

/** A registry may ask for more patience than this, but the pull's own deadline is usually ten minutes. */
const LONGEST_WAIT_MS = 60_000;
const BACKOFF = { firstMs: 1_000, maxMs: 20_000 };

/** The engine passes a registry's error on as text alone, so the text decides. A refusal is final whatever else it says. */
const FINAL = [
  /\b(?:unauthorized|forbidden|denied|no basic auth credentials|authentication required)\b/i,
  /\b(?:manifest|name|repository|blob) unknown\b|\bnot found\b|\bdoes not exist\b|\bno matching manifest\b/i,
  /\binvalid reference\b|\b40[0134] (?:Bad Request|Unauthorized|Forbidden|Not Found)/i,
];
const PASSING = [
  /\b(?:toomanyrequests|too many requests)\b|\b429\b/i,
  /\b50\d (?:Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out)/i,
  /\b(?:HTTP (?:status|response)|status(?: code)?)[ :]+5\d\d\b|HTTP 5\d\d\b/i,
  /connection reset by peer|broken pipe|\bunexpected EOF\b|: EOF\b|server sent GOAWAY|stream error/i,
  /TLS handshake timeout|i\/o timeout|Client\.Timeout exceeded|deadline exceeded|connection timed out/i,
  /temporary failure in name resolution|server misbehaving/i,
];
const RETRY_AFTER = /retry[- ]after:? *"?(\d+(?:\.\d+)?) *(µs|ms|s|m)?(?![a-z])/i;
const UNITS: Readonly<Record<string, number>> = { µs: 0.001, ms: 1, s: 1_000, m: 60_000 };

/**
 * The wait in milliseconds before a failed pull is tried again, or undefined if another attempt would fail as well. A registry's
 * Retry-After is honoured as far as the message repeats it. Without a unit it is in seconds, as in the header.
 */
export function pullAgainAfter(message: string, attempt: number, random: () => number): number | undefined {
  if (FINAL.some((pattern) => pattern.test(message))) return undefined;
  if (!PASSING.some((pattern) => pattern.test(message))) return undefined;
  const wait = backoffMs(attempt, random, BACKOFF);
  const [, amount, unit = 's'] = RETRY_AFTER.exec(message) ?? [];
  if (amount === undefined) return wait;
  return Math.min(LONGEST_WAIT_MS, Math.max(wait, Number(amount) * (UNITS[unit.toLowerCase()] ?? 1_000)));
}
