/** The client's scheme, port and addresses as a trusted address tells them, in each form that load balancers use. */
import { isIP } from 'node:net';
import type { EdgeRequest } from './request.ts';
import { plainAddress } from './trusted-addresses.ts';

type Scheme = 'http' | 'https';
type Told = Pick<EdgeRequest, 'header' | 'peer'>;

/** Traefik names the scheme of a WebSocket handshake. */
const SCHEMES: ReadonlyMap<string, Scheme> = new Map([
  ['http', 'http'],
  ['https', 'https'],
  ['ws', 'http'],
  ['wss', 'https'],
]);

/** A parameter of `Forwarded`, with a token or a quoted string for its value (RFC 7239 §4). */
const PARAMETER = /(?:^|[;,])\s*([a-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;,\s"]*))/gi;

/**
 * The scheme that the client used: the first of `X-Forwarded-Proto`, `Forwarded`, `X-Forwarded-Ssl` and `Front-End-Https` that a
 * trusted address sent. A list begins with the client's. Without any of them, it is the scheme of this connection.
 */
export function schemeOf(request: Told): Scheme {
  return (request.peer.trusted ? toldScheme(request) : undefined) ?? (request.peer.tls ? 'https' : 'http');
}

/** The port that the client used: a trusted address names it, or else its `Host`, or else it is the scheme's. */
export function portOf(request: Told, host: string, scheme: string): string {
  const told = request.peer.trusted ? firstOf(request.header('x-forwarded-port')) : '';
  if (/^\d{1,5}$/.test(told)) return told;
  return /:(\d{1,5})$/.exec(firstOf(host))?.[1] ?? (scheme === 'https' ? '443' : '80');
}

/** The addresses for `X-Forwarded-For`: those that a trusted address told, and then its own or the client's. */
export function addressesOf(request: Told): string {
  const own = plainAddress(request.peer.remoteAddress);
  const before = request.peer.trusted ? toldAddresses(request) : '';
  return before === '' ? own : `${before}, ${own}`;
}

/** The host, with its port if it has one, that the client used: as a trusted address tells it, or its `Host`. */
export function authorityOf(request: Told & Pick<EdgeRequest, 'host'>): string {
  const told = request.peer.trusted ? firstOf(request.header('x-forwarded-host')) : '';
  return told || request.host;
}

/** The hosts of this request, without ports: the one that the client used, first, and the one of this connection. */
export function hostsOf(request: Told & Pick<EdgeRequest, 'host'>): string[] {
  return [authorityOf(request), request.host].map((host) => host.replace(/:\d*$/, '').toLowerCase());
}

function toldScheme(request: Told): Scheme | undefined {
  const [byForwarded = ''] = parametersOf(request.header('forwarded'), 'proto');
  const proto = firstOf(request.header('x-forwarded-proto')) || byForwarded;
  const scheme = SCHEMES.get(proto.toLowerCase());
  if (scheme !== undefined) return scheme;
  const ssl = request.header('x-forwarded-ssl') ?? request.header('front-end-https');
  return ssl?.toLowerCase() === 'on' ? 'https' : undefined;
}

function toldAddresses(request: Told): string {
  const told = request.header('x-forwarded-for');
  if (told !== undefined && told !== '') return told;
  const addresses = parametersOf(request.header('forwarded'), 'for').map(withoutPort);
  return addresses.filter((address) => isIP(address) !== 0).join(', ');
}

/** The values of one parameter in every element, the client's first. */
function parametersOf(forwarded: string | undefined, name: string): string[] {
  if (forwarded === undefined) return [];
  return [...forwarded.matchAll(PARAMETER)]
    .filter(([, parameter]) => parameter?.toLowerCase() === name)
    .map(([, , quoted, token]) => quoted?.replace(/\\(.)/g, '$1') ?? token ?? '');
}

/** `192.0.2.1:80` and `[2001:db8::1]:80` as their addresses (RFC 7239 §6). */
function withoutPort(node: string): string {
  return /^\[(.*)\](?::.*)?$/.exec(node)?.[1] ?? (isIP(node) === 6 ? node : node.replace(/:.*$/, ''));
}

function firstOf(list: string | undefined): string {
  return list?.split(',', 1)[0]?.trim() ?? '';
}
