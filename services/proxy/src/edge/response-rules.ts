import { BOUNDS } from '../timeouts.ts';
import { authorityOf, hostsOf, portOf, schemeOf } from './forwarded.ts';
import type { EdgeRequest } from './request.ts';

/**
 * The responses of a backend that a client may get (RFC 9110 §8.6, §15; RFC 9112 §6), for both transports. Every other response
 * becomes a 502, whichever transport carries it. Pure.
 */
export interface ResponseHead {
  /** `1.1` or `1.0`. */
  readonly httpVersion: string;
  readonly status: number;
  readonly reason: string;
  /** Number of header lines. */
  readonly lines: number;
  /** `Transfer-Encoding`; undefined if there is none. */
  readonly coding: string | undefined;
  /** `Content-Length` as `lengthOf` reads it; undefined if there is none. */
  readonly length: number | undefined;
  /** `Upgrade`; undefined if there is none. */
  readonly upgradeTo: string | undefined;
}

/**
 * Why a response cannot be forwarded, interim ones included; undefined if it can. An objection is the end of a sentence that begins
 * with "The backend's answer cannot be forwarded:".
 */
export function objectionTo(head: ResponseHead): string | undefined {
  const { httpVersion, coding, length } = head;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return `it is HTTP/${httpVersion}`;
  if (head.status < 100) return `its status is ${head.status}`;
  const objection = objectionToHead(head);
  if (objection !== undefined) return objection;
  // Hop-by-hop codings are removed here, so a client would take a body in another coding for the plain one.
  if (coding !== undefined && httpVersion === '1.0') return 'it has a Transfer-Encoding in HTTP/1.0';
  if (coding !== undefined && coding.toLowerCase() !== 'chunked')
    return 'its Transfer-Encoding is not chunked';
  if (length === undefined) return undefined;
  if (length < 0) return 'its Content-Length is not a number of at most 15 digits';
  return coding === undefined ? undefined : 'it has both a Content-Length and a Transfer-Encoding';
}

/** Why a 101 does not complete a WebSocket handshake; undefined if it does. The parsers have checked `Connection`. */
export function objectionToSwitch(head: ResponseHead): string | undefined {
  return head.upgradeTo?.toLowerCase() === 'websocket' ? objectionToHead(head) : OTHER_PROTOCOL;
}

/** The objection to a 101 that was not asked for. */
export const OTHER_PROTOCOL = 'it switches to a protocol that the request does not ask for';

/** The objection to a head of more bytes than this. */
export function tooLarge(maxBytes: number): string {
  return `its header is larger than ${maxBytes} bytes`;
}

/** The objection to interim responses beyond their bound. */
export function tooManyInterim(): string {
  return `it has more than ${BOUNDS.interimResponses} interim answers`;
}

function objectionToHead({ lines, reason }: ResponseHead): string | undefined {
  if (lines > BOUNDS.responseLines) return `it has more than ${BOUNDS.responseLines} header lines`;
  return CONTROL.test(reason) ? 'its reason has a control character' : undefined;
}

/** Whether another response follows (RFC 9110 §15.2). Interim responses are not forwarded. */
export function isInterim(status: number): boolean {
  return status < 200 && status !== 101;
}

/** Whether a response may have a `Content-Length` (RFC 9110 §8.6). */
export function allowsLength(status: number): boolean {
  return status >= 200 && status !== 204;
}

/** Whether no body follows, whatever the head says (RFC 9112 §6.3). */
export function isBodiless(status: number, toHead: boolean): boolean {
  return toHead || status < 200 || status === 204 || status === 304;
}

/** Scheme, host, port, and the rest, which crosses as it is. */
const ABSOLUTE = /^(https?):\/\/(\[[^\]/?#]*\]|[^:/?#@[\]]*)(?::(\d{1,5}))?(?=[/?#]|$)/i;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };

/**
 * A `Location` as the client gets it. Some programs name their own host with `ownPort`, the port at which they listen, where
 * no client reaches them. Scheme, host and port become those that the client used, as by nginx's `proxy_redirect default`. A
 * redirect from http to https crosses as it is, since the client would be led in a circle.
 */
export function reachableLocation(location: string, request: LocatedRequest, ownPort: number): string {
  const [named, scheme = '', host = '', port] = ABSOLUTE.exec(location) ?? [];
  if (named === undefined) return location;
  const from = scheme.toLowerCase();
  const to = schemeOf(request);
  const hosts = hostsOf(request);
  const isOwn = hosts.includes(host.toLowerCase()) && (port ?? DEFAULT_PORTS[from]) === String(ownPort);
  if (!isOwn || (from === 'https' && to === 'http')) return location;
  const used = portOf(request, authorityOf(request), to);
  const authority = used === DEFAULT_PORTS[to] ? hosts[0] : `${hosts[0]}:${used}`;
  return `${to}://${authority}${location.slice(named.length)}`;
}

type LocatedRequest = Pick<EdgeRequest, 'host' | 'header' | 'peer'>;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;

const TIMEOUT = /(?:^|[\s,])timeout=(\d{1,6})(?:$|[\s,])/i;

/** How long the backend keeps its connection without a request, by its `Keep-Alive`, in milliseconds; infinite if it does not say. */
export function keptMsOf(keepAlive: string): number {
  const seconds = TIMEOUT.exec(keepAlive)?.[1];
  return seconds === undefined ? Number.POSITIVE_INFINITY : Number(seconds) * 1_000;
}
