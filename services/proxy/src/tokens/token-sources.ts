import { looksLikeToken, TOKEN_PARAMETER } from '@spawner/domain';
import { type EdgeRequest, isSecure } from '../edge/request.ts';

/**
 * The connection tokens that a request brings (RFC 6265 for the cookie, RFC 6750 §2.1 for `Authorization: Bearer`), and its path
 * without them: the backend never sees a token.
 */
export type Credentials = ReturnType<typeof credentialsOf>;

/** Names of the cookie. A browser keeps the first to this host and to TLS, and so not at all without TLS. */
const COOKIES = { secure: '__Host-spawner-token', plain: 'spawner-token' } as const;

/** The credentials of a request. Tokens in cookies count for this site's pages and for navigations only. */
export function credentialsOf(request: EdgeRequest, navigation: boolean) {
  const { path, query } = withoutTokens(request.path);
  const bearer = /^bearer +(\S+)$/i.exec(request.header('authorization') ?? '')?.[1];
  const name = isSecure(request) ? COOKIES.secure : COOKIES.plain;
  const cookies = pairsOf(request.header('cookie')).flatMap((pair) =>
    nameOf(pair) === name ? [pair.slice(pair.indexOf('=') + 1).trim()] : [],
  );
  return {
    /** Every value of the query's parameter. */
    query,
    /** Only a token of our shape: any other is between the client and the backend. */
    bearer: bearer !== undefined && looksLikeToken(bearer) ? bearer : undefined,
    /** Empty if a page of another site sent the request. */
    cookies: isOfThisSite(request, navigation) ? cookies.filter(looksLikeToken) : [],
    /** Path and query without the parameter. */
    path,
  };
}

/** The `Set-Cookie` of a token, in the answer to this request, which keeps it in the browser for `maxAge` seconds. */
export function tokenCookie(token: string, request: EdgeRequest, maxAge: number): string {
  const cookie = `=${token}; Path=/; Max-Age=${maxAge}; HttpOnly`;
  if (!isSecure(request)) return `${COOKIES.plain}${cookie}; SameSite=Lax`;
  return `${COOKIES.secure}${cookie}; Secure; ${isEmbedded(request) ? 'SameSite=None; Partitioned' : 'SameSite=Lax'}`;
}

/**
 * Whether a frame in a page of another site asks. Browsers keep no other cookie there than a partitioned one, which they then send
 * within that page alone (CHIPS). Whose requests it may authorize is decided as for the other (`isOfThisSite`).
 */
function isEmbedded(request: EdgeRequest): boolean {
  const isFrame = ['iframe', 'frame'].includes(request.header('sec-fetch-dest') ?? '');
  return isFrame && request.header('sec-fetch-site') === 'cross-site';
}

/** A `Cookie` header without ours; undefined if nothing is left. */
export function withoutTokenCookies(cookie: string | undefined): string | undefined {
  const ours: readonly string[] = Object.values(COOKIES);
  const left = pairsOf(cookie).filter((pair) => !ours.includes(nameOf(pair)));
  return left.length === 0 ? undefined : left.join('; ');
}

function pairsOf(cookie: string | undefined): string[] {
  return (cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '');
}

function nameOf(pair: string): string {
  return pair.split('=', 1)[0]?.trim() ?? '';
}

function withoutTokens(target: string): { path: string; query: string[] } {
  const at = target.indexOf('?');
  if (at === -1) return { path: target, query: [] };
  const prefix = `${TOKEN_PARAMETER}=`;
  const parts = target.slice(at + 1).split('&');
  const ours = parts.filter((part) => part.startsWith(prefix) || part === TOKEN_PARAMETER);
  if (ours.length === 0) return { path: target, query: [] };
  const rest = parts.filter((part) => !ours.includes(part)).join('&');
  const path = target.slice(0, at);
  return {
    path: rest === '' ? path : `${path}?${rest}`,
    query: ours.map((part) => part.slice(prefix.length)),
  };
}

/**
 * All backends of a cluster are one site to SameSite (RFC 6265bis §5.2), so a browser sends our cookie with requests of a sibling's
 * page, too. Such a request may navigate here, and do no more.
 */
function isOfThisSite(request: EdgeRequest, navigation: boolean): boolean {
  const site = request.header('sec-fetch-site');
  if (site !== undefined && !request.upgrade) return navigation || site === 'same-origin' || site === 'none';
  const origin = request.header('origin');
  return (
    origin === undefined || origin.replace(/^https?:\/\//i, '').toLowerCase() === request.host.toLowerCase()
  );
}
