import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { TokenHolder } from '../tokens/token-check.ts';
import { withoutTokenCookies } from '../tokens/token-sources.ts';
import { withoutSiblingsCookies } from './clear-site-data.ts';
import { addressesOf, portOf, schemeOf } from './forwarded.ts';
import { lacksReferrerPolicy, REFERRER_POLICY } from './referrer.ts';
import type { EdgeRequest } from './request.ts';

/**
 * The rules for a header on its way to the backend or back (RFC 9110 §7.6.1):
 * - `pass`: crosses as it came.
 * - `once`: crosses. Readers differ in which of two they take, so the raw transport leaves a repeated one to Node's parser.
 * - `drop`: removed.
 * - `hop`: removed, because it belongs to one connection. The raw transport leaves requests with one to Node's, unless its
 *   parser reads the header itself.
 * - `caller`: about the client; crosses only from trusted addresses.
 * - `forwarded`: the same, and the proxy adds its own value.
 * - `refuse`: the request is malformed.
 * - `cookie`: crosses unless it would reach other backends.
 */
export type HeaderRule = 'pass' | 'once' | 'drop' | 'hop' | 'caller' | 'forwarded' | 'refuse' | 'cookie';

/** Rules of one direction. */
export interface HeaderRules<Rule extends HeaderRule = HeaderRule> {
  /** By name in lower case. */
  readonly names: Readonly<Record<string, Rule>>;
  /** For names that `names` does not have: the first that matches. */
  readonly patterns: readonly (readonly [RegExp, Rule])[];
}

const HOP_BY_HOP = {
  connection: 'hop',
  'keep-alive': 'hop',
  'proxy-connection': 'hop',
  'proxy-authenticate': 'hop',
  'proxy-authorization': 'hop',
  te: 'hop',
  trailer: 'hop',
  'transfer-encoding': 'hop',
  upgrade: 'hop',
  'http2-settings': 'hop',
} as const satisfies Record<string, HeaderRule>;

/** The one table of header rules: change it here, and both transports follow. */
export const HEADER_RULES: {
  readonly request: HeaderRules;
  readonly response: HeaderRules<'pass' | 'drop' | 'hop' | 'cookie'>;
} = {
  request: {
    names: {
      ...HOP_BY_HOP,
      expect: 'hop',
      'x-forwarded-for': 'forwarded',
      'x-forwarded-proto': 'forwarded',
      'x-forwarded-host': 'forwarded',
      'x-forwarded-port': 'forwarded',
      // Not sent: VS Code reads it before `X-Forwarded-Host` and does not take the quotes off its host, which a port needs.
      forwarded: 'caller',
      // Programs that get headers as environment variables read these as the length of the body.
      content_length: 'refuse',
      transfer_encoding: 'refuse',
      age: 'once',
      authorization: 'once',
      'content-type': 'once',
      etag: 'once',
      expires: 'once',
      from: 'once',
      'if-modified-since': 'once',
      'if-unmodified-since': 'once',
      'last-modified': 'once',
      location: 'once',
      'max-forwards': 'once',
      referer: 'once',
      'retry-after': 'once',
      server: 'once',
      'user-agent': 'once',
      'sec-websocket-key': 'once',
      'sec-websocket-version': 'once',
    },
    patterns: [
      // With `_` for `-` too, as some frameworks read them.
      [/^x[-_]spawner[-_]/, 'drop'],
      [/^(?:x[-_]forwarded[-_].*|x[-_]real[-_]ip)$/, 'caller'],
    ],
  },
  response: {
    // A browser would look for the backend's other protocols at the edge, which does not have them (RFC 7838 §3).
    names: { ...HOP_BY_HOP, 'set-cookie': 'cookie', 'alt-svc': 'drop' },
    patterns: [],
  },
};

/** The rule for a header by its name in lower case. */
export function headerRule({ names, patterns }: HeaderRules, name: string): HeaderRule {
  if (Object.hasOwn(names, name)) return names[name] ?? 'pass';
  return patterns.find(([pattern]) => pattern.test(name))?.[1] ?? 'pass';
}

/** Framing and routing: `Connection` cannot name these as belonging to one hop. */
const NEVER_NAMED = /^(?:|close|keep-alive|upgrade|host|content-length|transfer-encoding)$/;

/** The headers, in lower case, that a `Connection` header declares as belonging to one hop. */
export function namedByConnection(options: readonly string[]): string[] {
  return options.filter((option) => !NEVER_NAMED.test(option));
}

/** Whether a `Set-Cookie` reaches the cluster's domain or above, and so every other backend (RFC 6265 §5.2.3). */
export function reachesSiblings(cookie: string, clusterDomain: string): boolean {
  const [, ...attributes] = cookie.split(';');
  return attributes.some((attribute) => {
    const domain = /^\s*domain\s*=\s*"?\.?([^"\s]*?)\.?"?\s*$/i.exec(attribute)?.[1]?.toLowerCase();
    return domain && (clusterDomain === domain || clusterDomain.endsWith(`.${domain}`));
  });
}

/** The headers that tell a backend about its caller, which the proxy sets itself. */
export function addedHeaders(request: EdgeRequest): Record<string, string> {
  const { host, peer } = request;
  const forwardedHost = (peer.trusted ? request.header('x-forwarded-host') : undefined) ?? host;
  const scheme = schemeOf(request);
  return {
    'x-forwarded-for': addressesOf(request),
    'x-forwarded-proto': scheme,
    'x-forwarded-host': forwardedHost,
    'x-forwarded-port': portOf(request, forwardedHost, scheme),
    'x-spawner-backend': request.backendId ?? '',
  };
}

/** The headers that the backend gets, from those that came. Pseudo-headers of HTTP/2 stay as they are. */
export function requestHeaders(
  incoming: IncomingHttpHeaders,
  request: EdgeRequest & { readonly chunked: boolean },
  holder: TokenHolder | undefined,
): OutgoingHttpHeaders {
  const { trusted } = request.peer;
  const outgoing: OutgoingHttpHeaders = crossing(incoming, HEADER_RULES.request, trusted);
  outgoing.host = request.host;
  Object.assign(outgoing, addedHeaders(request));
  if (holder) introduce(holder, outgoing, incoming.cookie);
  if (request.chunked) outgoing['transfer-encoding'] = 'chunked';
  if (request.upgrade) Object.assign(outgoing, SWITCH);
  return outgoing;
}

/** The headers that the client gets, from those that the backend sent. */
export function responseHeaders(incoming: IncomingHttpHeaders, clusterDomain: string): IncomingHttpHeaders {
  const outgoing = crossing(incoming, HEADER_RULES.response, false);
  const { 'content-type': contentType, 'referrer-policy': policy, 'clear-site-data': clears } = outgoing;
  if (clears !== undefined) {
    const cleared = withoutSiblingsCookies(String(clears));
    if (cleared === undefined) delete outgoing['clear-site-data'];
    else outgoing['clear-site-data'] = cleared;
  }
  if (lacksReferrerPolicy(contentType, policy !== undefined)) outgoing['referrer-policy'] = REFERRER_POLICY;
  const { 'set-cookie': cookies, ...others } = outgoing;
  if (!cookies) return outgoing;
  const own = cookies.filter((cookie) => !reachesSiblings(cookie, clusterDomain));
  return own.length > 0 ? { ...outgoing, 'set-cookie': own } : others;
}

/** The headers of both sides of a WebSocket handshake in HTTP/1.1. */
export const SWITCH = { connection: 'Upgrade', upgrade: 'websocket' } as const;

function crossing(incoming: IncomingHttpHeaders, rules: HeaderRules, trusted: boolean): IncomingHttpHeaders {
  const options = String(incoming.connection ?? '').split(',');
  const named = new Set(namedByConnection(options.map((option) => option.trim().toLowerCase())));
  const crosses: readonly HeaderRule[] = ['pass', 'once', 'cookie', ...(trusted ? ['caller' as const] : [])];
  const outgoing: IncomingHttpHeaders = {};
  for (const [name, value] of Object.entries(incoming))
    if (crosses.includes(headerRule(rules, name)) && !named.has(name)) outgoing[name] = value;
  return outgoing;
}

function introduce(holder: TokenHolder, outgoing: OutgoingHttpHeaders, cookie: string | undefined): void {
  const { user, claims, byBearer } = holder;
  if (user !== '') outgoing['x-spawner-user'] = user;
  if (claims !== '') outgoing['x-spawner-claims'] = claims;
  if (byBearer) delete outgoing.authorization;
  const left = withoutTokenCookies(cookie);
  if (left === undefined) delete outgoing.cookie;
  else if (outgoing.cookie !== undefined) outgoing.cookie = left;
}
