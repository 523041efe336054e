import { connectionTokenId, looksLikeToken } from '@spawner/domain';
import { Access } from '@spawner/proto/v1/backend';
import type { Route, TokenGrantRow, TokenRow } from '@spawner/store';
import type { Credentials } from './token-sources.ts';

/** The result of the check of a request's tokens. */
export type TokenCheck =
  /** The backend is public, or unknown. */
  | { kind: 'public' }
  | { kind: 'accepted'; holder: TokenHolder }
  /** A browser came with a token in the address: it gets a cookie and comes again without. */
  | { kind: 'handover'; token: string; path: string; leftMs: number }
  /** The path would lead a redirect to another host. */
  | { kind: 'offsite' }
  /** `unknown`: ids of tokens that have no row here; their rows may be on the way. */
  | { kind: 'refused'; unknown: readonly string[] };

/** The user of a valid token, as the backend sees them. */
export interface TokenHolder {
  tokenId: string;
  /** Empty for none. */
  user: string;
  /** A JSON object in ASCII; empty for none. */
  claims: string;
  /** Path and query for the backend. */
  path: string;
  /** The token came as `Authorization`, which the backend must not get. */
  byBearer: boolean;
}

/** A request as far as its tokens are concerned. */
export interface TokenBearer {
  backendId: string;
  route: Route | undefined;
  credentials: Credentials;
  navigation: boolean;
}

/** The row of a token by its id. */
export type TokenLookup = (tokenId: string) => TokenRow | undefined;

/**
 * Whether a request may go to its backend, by the route and by the tokens that came. A token in the query decides alone; else a
 * valid bearer token; else the first valid cookie. Pure. `nowMs` is wall-clock time.
 */
export function checkTokens(request: TokenBearer, lookup: TokenLookup, nowMs: number): TokenCheck {
  const { backendId, route, credentials, navigation } = request;
  if (route?.access !== Access.TOKEN) return { kind: 'public' };
  const { query, bearer, cookies, path } = credentials;
  if (query.length > 0) {
    const [token = ''] = query;
    const grant = query.length === 1 ? grantOf(token, backendId, lookup, nowMs) : undefined;
    if (!grant) return refused(query, lookup);
    if (!navigation) return accepted(token, grant, path, false);
    if (leadsAway(path)) return { kind: 'offsite' };
    return { kind: 'handover', token, path: inAscii(path), leftMs: grant.expireMs - nowMs };
  }
  for (const token of [...(bearer === undefined ? [] : [bearer]), ...cookies]) {
    const grant = grantOf(token, backendId, lookup, nowMs);
    if (grant) return accepted(token, grant, path, token === bearer);
  }
  return refused([...(bearer === undefined ? [] : [bearer]), ...cookies], lookup);
}

/** Whether this row of a token is valid for the backend. */
export function isValid(row: TokenRow | undefined, backendId: string, nowMs: number): row is TokenGrantRow {
  return row?.kind === 'tokenGrant' && row.backendId === backendId && nowMs < row.expireMs;
}

function grantOf(token: string, backendId: string, lookup: TokenLookup, nowMs: number) {
  if (!looksLikeToken(token)) return undefined;
  const row = lookup(connectionTokenId(token));
  return isValid(row, backendId, nowMs) ? row : undefined;
}

function accepted(token: string, grant: TokenGrantRow, path: string, byBearer: boolean): TokenCheck {
  const { user, claims } = grant;
  return { kind: 'accepted', holder: { tokenId: connectionTokenId(token), user, claims, path, byBearer } };
}

function refused(tokens: readonly string[], lookup: TokenLookup): TokenCheck {
  const ids = tokens.filter(looksLikeToken).map(connectionTokenId);
  return { kind: 'refused', unknown: ids.filter((id) => lookup(id) === undefined).slice(0, MOST_UNKNOWN) };
}

/** Unknown tokens of one request that the store is asked for: a second one may be left over in a browser. */
const MOST_UNKNOWN = 2;

/** Browsers read `//host` and `/\host` as the address of another host (WHATWG URL, "relative slash state"). */
function leadsAway(path: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  return !path.startsWith('/') || /^\/[/\\]/.test(path) || /[\x00-\x20\x7f]/.test(path);
}

function inAscii(path: string): string {
  return path.replace(/[\x80-\xff]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
