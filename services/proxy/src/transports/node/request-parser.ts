import type { IncomingHttpHeaders } from 'node:http';
import { type BackendId, backendIdOfHost } from '@spawner/domain';

/**
 * What a request's head says to the edge, and heads that two readers could read in two ways: those are
 * refused, not repaired (RFC 9112 §3.2, §6.3). Node's parser has refused the plainly malformed before.
 */
export interface RawHead {
  method: string;
  /** As it stands in the request line, or `:path`. */
  target: string;
  httpVersion: string;
  headers: IncomingHttpHeaders;
  /** Names and values in turns, doubled ones included. */
  rawHeaders: readonly string[];
  /** HTTP/2's `:authority`. */
  authority?: string | undefined;
  /** A WebSocket handshake. */
  upgrade: boolean;
  /** HTTP/2: the stream ended with its headers. */
  bodiless?: boolean | undefined;
}

export interface RequestHead {
  host: string;
  /** Nothing when the host is none of this cluster's. */
  backendId: BackendId | undefined;
  /** Path and query. */
  path: string;
  /** A body whose end no Content-Length tells. */
  chunked: boolean;
  hasBody: boolean;
  /** A browser that wants a page, not a program or a page's own request. */
  navigation: boolean;
  /** Whether an error may be a page. */
  acceptsHtml: boolean;
  /** How long the client is ready to wait, in milliseconds, if it says so (RFC 7240 §4.3). */
  patienceMs: number | undefined;
}

export type HeadVerdict = { ok: true; head: RequestHead } | { ok: false; why: string };

export function readHead(raw: RawHead, clusterDomain: string): HeadVerdict {
  const { headers } = raw;
  const hosts = raw.rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length;
  if (hosts > 1) return refuse('more than one Host header');
  if (hosts === 0 && raw.httpVersion === '1.1') return refuse('no Host header');
  if (raw.rawHeaders.some((name, at) => at % 2 === 0 && FRAMING_IN_DISGUISE.test(name)))
    return refuse('a header that some servers take for the length of its body');
  // Node's parser reads other versions and protocols too, and calls them so.
  if (raw.authority === undefined && raw.bodiless === undefined && !/^1\.[01]$/.test(raw.httpVersion))
    return refuse('not a version of HTTP that can be forwarded');
  const target = splitTarget(raw.target);
  if (!target) return refuse('not a request target that can be forwarded');
  const host = raw.authority ?? headers.host ?? '';
  const named = [headers.host, target.authority].filter((name) => name !== undefined);
  if (named.some((name) => name.toLowerCase() !== host.toLowerCase()))
    return refuse('the Host header and the request target name different hosts');
  if (host !== '' && !HOST.test(host)) return refuse('not a host name');

  const coding = headers['transfer-encoding'];
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || raw.httpVersion === '1.0'))
    return refuse('not a transfer coding that can be forwarded');
  const length = headers['content-length'];
  const streamed = raw.bodiless === false && length === undefined;
  const hasBody = coding !== undefined || streamed || (length !== undefined && Number(length) > 0);
  if (raw.upgrade && (hasBody || raw.method !== 'GET' || raw.httpVersion === '1.0'))
    return refuse('a WebSocket handshake is a bare GET of HTTP/1.1');

  const accept = headers.accept ?? '';
  return {
    ok: true,
    head: {
      host,
      backendId: backendIdOfHost(host, clusterDomain),
      path: target.path,
      chunked: coding !== undefined || streamed,
      hasBody,
      navigation: raw.method === 'GET' && !raw.upgrade && isNavigation(headers),
      acceptsHtml: accept.includes('text/html'),
      patienceMs: patienceOf(headers.prefer),
    },
  };
}

/** A name or an address, and a port (RFC 9110 §7.2). */
const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?$/;
/** With `_` for `-`, as programs read them that get headers as environment variables. */
const FRAMING_IN_DISGUISE = /^(?:content_length|transfer_encoding)$/i;

function refuse(why: string): HeadVerdict {
  return { ok: false, why };
}

/** Origin form as it is; absolute form (RFC 9112 §3.2.2) taken apart; anything else is not for a backend. */
function splitTarget(target: string): { authority?: string; path: string } | undefined {
  if (hasOddCharacters(target)) return undefined;
  if (target.startsWith('/')) return { path: target };
  const absolute = /^https?:\/\/([^/?#@]+)(\/[^#]*|\?[^#]*)?$/i.exec(target);
  if (!absolute?.[1]) return undefined;
  const rest = absolute[2] ?? '/';
  return { authority: absolute[1], path: rest.startsWith('?') ? `/${rest}` : rest };
}

/** Controls, spaces, or what is no single byte. */
function hasOddCharacters(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code <= 0x20 || code === 0x7f || code > 0xff) return true;
  }
  return false;
}

function isNavigation(headers: IncomingHttpHeaders): boolean {
  const mode = headers['sec-fetch-mode'];
  if (mode !== undefined) return mode === 'navigate';
  return headers['upgrade-insecure-requests'] === '1' || (headers.accept ?? '').includes('text/html');
}

function patienceOf(prefer: string | string[] | undefined): number | undefined {
  const seconds = /(?:^|[,;\s])wait=(\d{1,4})(?:$|[,;\s])/i.exec(String(prefer ?? ''))?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}

/** Safe methods (RFC 9110 §9.2.1): repeating one does no harm. */
const REPEATABLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Whether a request of this method, without a body, may be sent again where nothing of an answer has come. */
export function isRepeatable(method: string): boolean {
  return REPEATABLE.has(method);
}
