import type { IncomingHttpHeaders } from 'node:http';
import { Http2ServerRequest } from 'node:http2';
import { TLSSocket } from 'node:tls';
import { backendIdOfHost } from '@spawner/domain';
import { HEADER_RULES, headerRule } from '../../edge/headers.ts';
import { REPLIES, type Reply } from '../../edge/replies.ts';
import { type EdgeRequest, type Peer, wantsPage } from '../../edge/request.ts';
import type { TrustedAddresses } from '../../edge/trusted-addresses.ts';
import type { TransportOptions } from '../options.ts';
import { isWebSocket, type WebRequest } from './node-http.ts';

/** How Node hands a request over: as a request, as an upgrade (HTTP/1.1), or as a CONNECT over HTTP/2. */
export type RequestKind = 'request' | 'upgrade' | 'connect';

type ParserOptions = Pick<TransportOptions, 'clusterDomain' | 'maxHeaderBytes' | 'trust'>;

/**
 * A request that Node's parser has read. Heads that two readers could read in two ways are refused, not repaired (RFC 9112
 * §3.2, §6.3); Node's parser has refused what is plainly malformed.
 */
export class NodeRequest implements EdgeRequest {
  readonly method: string;
  readonly host: string;
  readonly backendId: string | undefined;
  readonly path: string;
  readonly protocol: string;
  readonly upgrade: boolean;
  readonly peer: Peer;
  readonly refusal: Reply | undefined;
  /** The body has a length that no header announces. */
  readonly chunked: boolean;
  readonly hasBody: boolean;
  readonly headers: IncomingHttpHeaders;

  constructor(req: WebRequest, kind: RequestKind, options: ParserOptions) {
    const http2 = req instanceof Http2ServerRequest ? req : undefined;
    const target = targetOf(req.url ?? '');
    // A copy of those of HTTP/2, which are changed in place when the request is forwarded.
    this.headers = http2 ? { ...req.headers } : req.headers;
    const { host = '', 'content-length': length, 'transfer-encoding': coding } = this.headers;
    // The stream of an extended CONNECT carries the tunnel, not a body.
    const isStreamed = kind === 'request' && http2?.stream.endAfterHeaders === false && length === undefined;
    this.method = req.method ?? '';
    this.host = this.header(':authority') ?? host;
    this.backendId = backendIdOfHost(this.host, options.clusterDomain);
    this.path = target?.path ?? req.url ?? '';
    this.protocol = `HTTP/${req.httpVersion}`;
    this.upgrade = kind !== 'request';
    this.peer = peerOf(req, options.trust);
    this.chunked = coding !== undefined || isStreamed;
    this.hasBody = this.chunked || (length !== undefined && Number(length) > 0);
    this.refusal = refusalOf(this, req, kind, target, options.maxHeaderBytes);
  }

  header(name: string): string | undefined {
    const value = this.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }
}

type Target = { authority?: string; path: string };

function refusalOf(
  request: NodeRequest,
  req: WebRequest,
  kind: RequestKind,
  target: Target | undefined,
  maxHeaderBytes: number,
): Reply | undefined {
  const html = wantsPage(request);
  if (kind === 'connect' && request.header(':protocol')?.toLowerCase() !== 'websocket')
    return REPLIES.otherProtocol();
  if (kind === 'upgrade' && !isWebSocket(req))
    return REPLIES.badRequest('its upgrade is not supported', false);
  if (headBytes(req) > maxHeaderBytes) return REPLIES.headersTooLarge(html);
  const expect = request.header('expect');
  // RFC 9110 §10.1.1.
  if (expect !== undefined && expect.toLowerCase() !== '100-continue')
    return REPLIES.unknownExpectation(html);
  const objection = objectionTo(request, req, target);
  return objection === undefined ? undefined : REPLIES.badRequest(objection, html);
}

/** A name or an address, and a port (RFC 9110 §7.2). */
const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?$/;

/** Why a head could be read in two ways; undefined if it cannot. */
function objectionTo(request: NodeRequest, req: WebRequest, target: Target | undefined): string | undefined {
  const { host, headers, upgrade, hasBody } = request;
  const { httpVersion } = req;
  const names = req.rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
  const hosts = names.filter((name) => name === 'host').length;
  if (hosts > 1) return 'more than one Host header';
  if (hosts === 0 && httpVersion === '1.1') return 'no Host header';
  if (names.some((name) => headerRule(HEADER_RULES.request, name) === 'refuse'))
    return 'a header that some servers take for the length of its body';
  // Node's HTTP/1 parser accepts the name of any version and protocol.
  if (!(req instanceof Http2ServerRequest) && !/^1\.[01]$/.test(httpVersion))
    return 'not a version of HTTP that can be forwarded';
  if (!target) return 'not a request target that can be forwarded';
  const named = [headers.host, target.authority].filter((name) => name !== undefined);
  if (named.some((name) => name.toLowerCase() !== host.toLowerCase()))
    return 'the Host header and the request target name different hosts';
  if (host !== '' && !HOST.test(host)) return 'not a host name';
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || httpVersion === '1.0'))
    return 'not a transfer coding that can be forwarded';
  const isGet = request.method === 'GET' || request.method === 'CONNECT';
  if (upgrade && (hasBody || !isGet || httpVersion === '1.0'))
    return 'a WebSocket handshake is a bare GET of HTTP/1.1';
  return undefined;
}

/** Takes the absolute form (RFC 9112 §3.2.2) apart. Undefined for a target that no backend may get. */
function targetOf(target: string): Target | undefined {
  if (hasOddCharacters(target)) return undefined;
  if (target.startsWith('/')) return { path: target };
  const absolute = /^https?:\/\/([^/?#@]+)(\/[^#]*|\?[^#]*)?$/i.exec(target);
  if (!absolute?.[1]) return undefined;
  const rest = absolute[2] ?? '/';
  return { authority: absolute[1], path: rest.startsWith('?') ? `/${rest}` : rest };
}

/** Whether a text has controls, spaces, or characters that are no single byte. */
function hasOddCharacters(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code <= 0x20 || code === 0x7f || code > 0xff) return true;
  }
  return false;
}

/** Fields of cookies over HTTP/2 count as the one header that they become (RFC 9113 §8.2.3). */
function headBytes(req: WebRequest): number {
  const bytes = req.rawHeaders.reduce((sum, text) => sum + text.length, req.url?.length ?? 0);
  if (!(req instanceof Http2ServerRequest)) return bytes;
  const cookies = req.rawHeaders.filter((name, at) => at % 2 === 0 && name === 'cookie').length;
  return bytes - Math.max(0, cookies - 1) * ('cookie'.length - '; '.length);
}

/** Read now: a socket that has closed meanwhile has no address. */
function peerOf(req: WebRequest, trust: TrustedAddresses): Peer {
  const { remoteAddress = '' } = req.socket;
  const http2 = req instanceof Http2ServerRequest ? req : undefined;
  return {
    remoteAddress,
    trusted: trust.includes(remoteAddress),
    tls: http2 !== undefined || req.socket instanceof TLSSocket,
    connection: http2 ? (http2.stream.session ?? http2.stream) : req.socket,
  };
}
