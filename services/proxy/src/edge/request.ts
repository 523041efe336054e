import type { RouteOutcome } from '../routing/router.ts';
import type { TokenHolder } from '../tokens/token-check.ts';
import { schemeOf } from './forwarded.ts';
import type { Closable } from './rate-limits.ts';
import type { Reply } from './replies.ts';

/** One request as the edge sees it, whichever transport has read it. */
export interface EdgeRequest {
  readonly method: string;
  /** `Host` or `:authority` as the client sent it, port included. */
  readonly host: string;
  /** Undefined if the host is not one of this cluster's. */
  readonly backendId: string | undefined;
  /** Path and query. */
  readonly path: string;
  /** For the access log: `HTTP/1.1`. */
  readonly protocol: string;
  /** A WebSocket handshake, over HTTP/1.1 or HTTP/2. */
  readonly upgrade: boolean;
  readonly peer: Peer;
  /** The reply to a request that no backend may get, because it is malformed or asks for what the edge does not offer. */
  readonly refusal: Reply | undefined;
  /** The value of a header by its name in lower case. */
  header(name: string): string | undefined;
}

/** The client's end of the connection that carries a request. */
export interface Peer {
  readonly remoteAddress: string;
  /** Whether this address may speak for other clients (SPAWNER_PROXY_TRUSTED_ADDRESSES). */
  readonly trusted: boolean;
  readonly tls: boolean;
  /** Lasts as long as the connection: a socket, or an HTTP/2 session. */
  readonly connection: Closable;
}

/** The policy's decision about one request. */
export type Decision = { readonly kind: 'reply'; readonly reply: Reply } | Forward;

/** The request goes to its backend; it counts as open there from the decision on. */
export type Forward = Extract<RouteOutcome, { kind: 'forward' }> & { readonly holder?: TokenHolder };

/** How a backend failed a request. */
export interface Failure {
  /** Its port was closed at the last attempt. */
  readonly refused?: boolean;
  /** Why its answer cannot be forwarded, if it gave one. */
  readonly objection?: string;
}

/** Whether the client reached this proxy over TLS, or a trusted load balancer that says so. */
export function isSecure(request: EdgeRequest): boolean {
  return request.peer.tls || schemeOf(request) === 'https';
}

/** A browser that loads a page, as opposed to a program or a request of a page. */
export function isNavigation(request: EdgeRequest): boolean {
  if (request.method !== 'GET' || request.upgrade) return false;
  const mode = request.header('sec-fetch-mode');
  if (mode !== undefined) return mode === 'navigate';
  return request.header('upgrade-insecure-requests') === '1' || acceptsHtml(request);
}

/** Whether an error is shown as a page rather than as JSON. */
export function wantsPage(request: EdgeRequest): boolean {
  return !request.upgrade && acceptsHtml(request);
}

/** How long the client is ready to wait (RFC 7240 §4.3), in milliseconds; undefined if it does not say. */
export function patienceOf(request: EdgeRequest): number | undefined {
  const seconds = /(?:^|[,;\s])wait=(\d{1,4})(?:$|[,;\s])/i.exec(request.header('prefer') ?? '')?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}

/**
 * Safe methods (RFC 9110 §9.2.1) that clients repeat: sending such a request twice does no harm. If it has no body, it is sent
 * again when a kept connection turns out to be dead.
 */
export const REPEATABLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Methods that RFC 9110 §9.2.2 calls idempotent. Without a body, such a request may wait while its backend's program restarts. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** Whether a request whose backend refuses connections waits for it. A navigation gets a page that tries again instead. */
export function waitsForRestart(request: EdgeRequest, hasBody: boolean): boolean {
  const { method, upgrade } = request;
  return IDEMPOTENT.has(method) && !hasBody && !upgrade && !isNavigation(request);
}

function acceptsHtml(request: EdgeRequest): boolean {
  return (request.header('accept') ?? '').includes('text/html');
}
