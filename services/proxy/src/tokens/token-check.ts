import { connectionTokenId, looksLikeToken } from '@spawner/domain';
import { Access } from '@spawner/proto/v1/backend';
import type { Route, TokenGrantRow, TokenRow } from '@spawner/store';
import type { Credentials } from './token-sources.ts';

/**
 * Whether a request may go to its backend, from the backend's route and the tokens that the request brings. Pure. A token in the
 * query decides alone; else a bearer token that is good; else the first cookie that is.
 */
export type Admission =
  /** The backend is public, or not known. */
  | { kind: 'open' }
  | { kind: 'admitted'; visitor: Visitor }
  /** A browser came with a token in the address: it is to take a cookie, and come again without. */
  | { kind: 'handover'; token: string; path: string; leftMs: number }
  /** Its path would lead a redirect to another host. */
  | { kind: 'misled' }
  /** `unknown`: ids of tokens that nobody has told of here, and whose news may be on its way. */
  | { kind: 'refused'; unknown: readonly string[] };

/** Somebody who was let in, and what the backend is told of them. */
export interface Visitor {
  tokenId: string;
  /** Empty for none. */
  user: string;
  /** A JSON object in ASCII; empty for none. */
  claims: string;
  /** Path and query as the backend sees them. */
  path: string;
  /** The token came as `Authorization`, which the backend is not to see. */
  byBearer: boolean;
}

export interface AdmissionRequest {
  backendId: string;
  route: Route | undefined;
  credentials: Credentials;
  navigation: boolean;
}

/** The row of a token by its id. */
export type TokenLookup = (tokenId: string) => TokenRow | undefined;

export function admit(request: AdmissionRequest, lookup: TokenLookup, nowMs: number): Admission {
  const { route, credentials, navigation } = request;
  if (route?.access !== Access.TOKEN) return { kind: 'open' };
  const { query, bearer, cookies, path } = credentials;
  if (query.length > 0) {
    const [token = ''] = query;
    const grant = query.length === 1 ? grantOf(token, request, lookup, nowMs) : undefined;
    if (!grant) return refused(query, lookup);
    if (!navigation) return admitted(token, grant, path, false);
    if (leadsAway(path)) return { kind: 'misled' };
    return { kind: 'handover', token, path: inAscii(path), leftMs: grant.expireMs - nowMs };
  }
  for (const token of [...(bearer === undefined ? [] : [bearer]), ...cookies]) {
    const grant = grantOf(token, request, lookup, nowMs);
    if (grant) return admitted(token, grant, path, token === bearer);
  }
  return refused([...(bearer === undefined ? [] : [bearer]), ...cookies], lookup);
}

/** Whether a visitor of this backend would still be let in. */
export function isGood(row: TokenRow | undefined, backendId: string, nowMs: number): row is TokenGrantRow {
  return row?.kind === 'token-grant' && row.backendId === backendId && nowMs < row.expireMs;
}

function grantOf(
  token: string,
  { backendId }: AdmissionRequest,
  lookup: TokenLookup,
  nowMs: number,
): TokenGrantRow | undefined {
  if (!looksLikeToken(token)) return undefined;
  const row = lookup(connectionTokenId(token));
  return isGood(row, backendId, nowMs) ? row : undefined;
}

function admitted(token: string, grant: TokenGrantRow, path: string, byBearer: boolean): Admission {
  const { user, claims } = grant;
  return { kind: 'admitted', visitor: { tokenId: connectionTokenId(token), user, claims, path, byBearer } };
}

function refused(tokens: readonly string[], lookup: TokenLookup): Admission {
  const ids = tokens.filter(looksLikeToken).map(connectionTokenId);
  return { kind: 'refused', unknown: ids.filter((id) => lookup(id) === undefined).slice(0, MOST_UNKNOWN) };
}

/** More than one is nobody's mistake. */
const MOST_UNKNOWN = 2;

/** Browsers read `//host` and `/\host` as the address of another host (WHATWG URL, "relative slash state"). */
function leadsAway(path: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  return !path.startsWith('/') || /^\/[/\\]/.test(path) || /[\x00-\x20\x7f]/.test(path);
}

function inAscii(path: string): string {
  return path.replace(/[\x80-\xff]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
