import { createHash } from 'node:crypto';
import type { Violation } from './errors.ts';

/**
 * Connection tokens: 256 random bits in base64url that let their bearer in to one backend. Their id is the SHA-256 of
 * that text, also in base64url: whoever has only the id, as the store has, cannot get in with it.
 */
const TOKEN = /^[A-Za-z0-9_-]{43}$/;
const SECOND = 1_000;

/** The parameter of a URL's query in which a token may come. */
export const TOKEN_PARAMETER = 'spawner_token';

export const TOKEN_LIFE = { default: 3_600 * SECOND, min: SECOND, max: 30 * 86_400 * SECOND } as const;
/** Of one backend, revoked ones that are still told of included. */
export const TOKENS_PER_BACKEND = 1_000;
/** In the header that tells a backend of them. */
export const CLAIMS_BYTES = 4_096;
export const USER_CHARACTERS = 256;

export function newConnectionToken(randomBytes: (count: number) => Uint8Array): string {
  return Buffer.from(randomBytes(32)).toString('base64url');
}

/** Whether a text can be a token; their ids look the same. */
export function looksLikeToken(text: string): boolean {
  return TOKEN.test(text);
}

export function connectionTokenId(token: string): string {
  return createHash('sha256').update(token, 'utf8').digest('base64url');
}

/** A JSON object that can stand in a header: characters beyond ASCII are escaped. Empty for no claims. */
export function claimsHeader(claims: Readonly<Record<string, string>>): string {
  if (Object.keys(claims).length === 0) return '';
  return JSON.stringify(claims).replace(
    /[\x7f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Every fault of what a token is asked for with, by the names of the contract. */
export function tokenViolations(asked: {
  user: string;
  claims: Readonly<Record<string, string>>;
  ttlMs?: number | undefined;
}): Violation[] {
  const violations: Violation[] = [];
  const { user, claims, ttlMs = TOKEN_LIFE.default } = asked;
  violations.push(...userViolations(user));
  if (claimsHeader(claims).length > CLAIMS_BYTES)
    violations.push({ field: 'claims', message: `at most ${CLAIMS_BYTES} bytes as JSON in ASCII` });
  if (!Number.isSafeInteger(ttlMs) || ttlMs < TOKEN_LIFE.min || ttlMs > TOKEN_LIFE.max)
    violations.push({
      field: 'ttl_ms',
      message: `must be a whole number from ${TOKEN_LIFE.min} to ${TOKEN_LIFE.max}`,
    });
  return violations;
}

/** A user is told in a header as it is: visible ASCII, spaces inside. Names of other scripts go into the claims. */
export function userViolations(user: string): Violation[] {
  if (user === '' || (user.length <= USER_CHARACTERS && /^[!-~](?:[ -~]*[!-~])?$/.test(user))) return [];
  const message = `must be at most ${USER_CHARACTERS} visible ASCII characters, with spaces only inside`;
  return [{ field: 'user', message }];
}
