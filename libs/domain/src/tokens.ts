import { hash } from 'node:crypto';
import type { Violation } from './errors.ts';

/**
 * A connection token is 256 random bits in base64url that give access to one backend. Its id is the SHA-256 of that text, also in
 * base64url. The store has only the id, which gives no access.
 */
const TOKEN = /^[A-Za-z0-9_-]{43}$/;
const SECOND = 1_000;

/** The query parameter that may carry a token. */
export const TOKEN_PARAMETER = 'spawner_token';

export const TOKEN_LIFE = { default: 3_600 * SECOND, min: SECOND, max: 30 * 86_400 * SECOND } as const;
/** The most tokens of one backend, including revoked ones that are still announced. */
export const TOKENS_PER_BACKEND = 1_000;
/** The most bytes of claims in the header that passes them to a backend. */
export const CLAIMS_BYTES = 4_096;
export const USER_CHARACTERS = 256;

export function newConnectionToken(randomBytes: (count: number) => Uint8Array): string {
  return Buffer.from(randomBytes(32)).toString('base64url');
}

/** Whether a text has the form of a token. Ids have the same form. */
export function looksLikeToken(text: string): boolean {
  return TOKEN.test(text);
}

export function connectionTokenId(token: string): string {
  return hash('sha256', token, 'base64url');
}

/** The claims as JSON for a header, with characters beyond ASCII escaped. Empty if there are none. */
export function claimsHeader(claims: Readonly<Record<string, string>>): string {
  if (Object.keys(claims).length === 0) return '';
  return JSON.stringify(claims).replace(
    /[\x7f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Returns every fault of a request for a token, by the field names of the contract. */
export function tokenViolations(asked: {
  user: string;
  claims: Readonly<Record<string, string>>;
  ttlMs?: number | undefined;
}): Violation[] {
  const { user, claims, ttlMs = TOKEN_LIFE.default } = asked;
  const violations = userViolations(user);
  if (claimsHeader(claims).length > CLAIMS_BYTES)
    violations.push({ field: 'claims', message: `at most ${CLAIMS_BYTES} bytes as JSON in ASCII` });
  const { min, max } = TOKEN_LIFE;
  if (!Number.isSafeInteger(ttlMs) || ttlMs < min || ttlMs > max)
    violations.push({ field: 'ttl_ms', message: `must be a whole number from ${min} to ${max}` });
  return violations;
}

/** A user travels in a header unescaped, so it is visible ASCII with spaces only inside. Other names belong in the claims. */
export function userViolations(user: string): Violation[] {
  if (user === '' || (user.length <= USER_CHARACTERS && /^[!-~](?:[ -~]*[!-~])?$/.test(user))) return [];
  const message = `must be at most ${USER_CHARACTERS} visible ASCII characters, with spaces only inside`;
  return [{ field: 'user', message }];
}
