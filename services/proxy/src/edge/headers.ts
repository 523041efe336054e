import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { Visitor } from '../tokens/token-check.ts';
import { withoutTokenCookies } from '../tokens/token-sources.ts';
import { plainAddress } from './trusted-addresses.ts';

/**
 * Header hygiene of both directions (RFC 9110 §7.6.1, RFC 7239). What a backend is told about
 * its caller is set here and nowhere else, and what belongs to one hop does not cross to the next.
 */
export interface Arrival {
  backendId: string;
  /** The Host header as the client sent it, port included. */
  host: string;
  remoteAddress: string;
  /** Whether what this address says of its own clients is believed. */
  trusted: boolean;
  secure: boolean;
  /** A WebSocket handshake, whose `Upgrade` must reach the backend. */
  upgrade: boolean;
  /** It has a body of a length that no header says. */
  chunked: boolean;
  /** Who came with a connection token, which is not handed on. */
  visitor?: Visitor | undefined;
}

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** Framing and routing: a client that names these in `Connection` must not be able to make them go. */
const NEVER_DROPPED = new Set(['host', 'content-length', 'transfer-encoding']);

/** Also as some frameworks read them, with `_` for `-`. */
const ABOUT_THE_CALLER = /^(?:x[-_]forwarded[-_].*|forwarded|x[-_]real[-_]ip)$/;
const OURS = /^x[-_]spawner[-_]/;

/** The headers that the backend gets, from those that came. HTTP/2's pseudo-headers stay as they are. */
export function requestHeaders(incoming: IncomingHttpHeaders, arrival: Arrival): OutgoingHttpHeaders {
  const named = namedByConnection(incoming);
  const outgoing: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(incoming)) {
    if (HOP_BY_HOP.has(name) || named.has(name) || OURS.test(name) || name === 'expect') continue;
    if (ABOUT_THE_CALLER.test(name) && !arrival.trusted) continue;
    outgoing[name] = value;
  }
  const trusted = arrival.trusted ? incoming : {};
  outgoing.host = arrival.host;
  Object.assign(outgoing, forwardedHeaders(trusted, arrival));
  outgoing['x-spawner-backend'] = arrival.backendId;
  if (arrival.visitor) introduce(arrival.visitor, outgoing, incoming.cookie);
  if (arrival.chunked) outgoing['transfer-encoding'] = 'chunked';
  if (arrival.upgrade) {
    outgoing.connection = 'Upgrade';
    outgoing.upgrade = 'websocket';
  }
  return outgoing;
}

function introduce(
  { user, claims, byBearer }: Visitor,
  outgoing: OutgoingHttpHeaders,
  cookie: string | undefined,
): void {
  if (user !== '') outgoing['x-spawner-user'] = user;
  if (claims !== '') outgoing['x-spawner-claims'] = claims;
  if (byBearer) delete outgoing.authorization;
  const left = withoutTokenCookies(cookie);
  if (left === undefined) delete outgoing.cookie;
  else if (outgoing.cookie !== undefined) outgoing.cookie = left;
}

/** The headers that the client gets, from those that the backend sent. `handshake` keeps what a 101 needs. */
export function responseHeaders(
  incoming: IncomingHttpHeaders,
  clusterDomain: string,
  { handshake = false } = {},
): IncomingHttpHeaders {
  const named = namedByConnection(incoming);
  const outgoing: IncomingHttpHeaders = {};
  for (const [name, value] of Object.entries(incoming))
    if (!HOP_BY_HOP.has(name) && !named.has(name)) outgoing[name] = value;
  const cookies = incoming['set-cookie']?.filter((cookie) => !reachesSiblings(cookie, clusterDomain));
  if (cookies && !named.has('set-cookie')) outgoing['set-cookie'] = cookies;
  if (cookies?.length === 0) delete outgoing['set-cookie'];
  if (handshake) {
    outgoing.connection = 'Upgrade';
    outgoing.upgrade = incoming.upgrade;
  }
  return outgoing;
}

function namedByConnection({ connection = '' }: IncomingHttpHeaders): Set<string> {
  const names = String(connection)
    .split(',')
    .map((token) => token.trim().toLowerCase());
  return new Set(names.filter((name) => !NEVER_DROPPED.has(name)));
}

export function forwardedHeaders(believed: IncomingHttpHeaders, arrival: Arrival): OutgoingHttpHeaders {
  const address = plainAddress(arrival.remoteAddress);
  const proto = arrival.secure ? 'https' : 'http';
  const node = address.includes(':') ? `"[${address}]"` : address;
  const element = `for=${node};host="${arrival.host}";proto=${proto}`;
  const claimedProto = one(believed['x-forwarded-proto']);
  return {
    'x-forwarded-for': list(believed['x-forwarded-for'], address),
    'x-forwarded-proto': claimedProto === 'http' || claimedProto === 'https' ? claimedProto : proto,
    'x-forwarded-host': one(believed['x-forwarded-host']) ?? arrival.host,
    forwarded: list(believed.forwarded, element),
  };
}

function list(before: string | string[] | undefined, last: string): string {
  return before === undefined || before.length === 0 ? last : `${one(before)}, ${last}`;
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value;
}

/** A cookie for the cluster's domain, or above it, would be sent to every other backend (RFC 6265 §5.2.3). */
export function reachesSiblings(cookie: string, clusterDomain: string): boolean {
  return cookie
    .split(';')
    .slice(1)
    .map((attribute) => /^\s*domain\s*=\s*"?\.?([^"\s]*?)\.?"?\s*$/i.exec(attribute)?.[1]?.toLowerCase())
    .some(
      (domain) =>
        domain !== undefined &&
        domain !== '' &&
        (clusterDomain === domain || clusterDomain.endsWith(`.${domain}`)),
    );
}
