import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { backendIdOfHost } from '@spawner/domain';
import type { Asked } from '../../access-log/access-entry.ts';
import type { Closable } from '../../edge/rate-limits.ts';
import { TIMEOUTS } from '../../timeouts.ts';
import type { RawHead } from './request-parser.ts';

/** What Node's two HTTP implementations say differently, asked in one way. */
export type WebRequest = IncomingMessage | Http2ServerRequest;
export type WebResponse = ServerResponse | Http2ServerResponse;

export function rawHead(req: WebRequest, upgrade: boolean): RawHead {
  const { headers, rawHeaders, httpVersion } = req;
  const head = { method: req.method ?? '', target: req.url ?? '', headers, rawHeaders, httpVersion, upgrade };
  if (!(req instanceof Http2ServerRequest)) return head;
  return {
    ...head,
    authority: headers[':authority'] as string | undefined,
    bodiless: req.stream.endAfterHeaders,
  };
}

/** An extended CONNECT (RFC 8441), read as the bare GET of a handshake that it stands for; its stream has no body, but a tunnel. */
export function extendedHead(req: Http2ServerRequest): RawHead {
  return { ...rawHead(req, true), method: 'GET', bodiless: undefined };
}

/** What the access log says of a request. */
export function askedBy(
  { headers, method, url, httpVersion, socket }: WebRequest,
  clusterDomain: string,
): Asked {
  const host = (headers[':authority'] as string | undefined) ?? headers.host ?? '';
  return {
    host,
    backend: backendIdOfHost(host, clusterDomain),
    method: method ?? '',
    path: url ?? '',
    protocol: `HTTP/${httpVersion}`,
    client: socket.remoteAddress ?? '',
    userAgent: headers['user-agent'] ?? '',
  };
}

/** Size of the head, as the sum of its names and values. */
export function headBytes(req: WebRequest): number {
  return req.rawHeaders.reduce((bytes, text) => bytes + text.length, req.url?.length ?? 0);
}

/** Whether a request asks for a WebSocket; the tokens of `Connection` were looked at by the parser. */
export function isWebSocket(req: Pick<IncomingMessage, 'headers'>): boolean {
  return req.headers.upgrade?.toLowerCase() === 'websocket';
}

export function isTls(req: WebRequest): boolean {
  return req.httpVersionMajor === 2 || req.socket instanceof TLSSocket;
}

/** What carries the request, for as long as it is open: a socket, or an HTTP/2 session with its other streams. */
export function connectionOf(req: WebRequest): Closable {
  return req instanceof Http2ServerRequest ? (req.stream.session ?? req.stream) : req.socket;
}

/** Calls `silent` when nothing of the body comes for this long although it would be taken. */
export function watchSilence(req: WebRequest, ms: number, silent: () => void): void {
  const look = () => {
    if (req.readableLength > 0) req.setTimeout(ms);
    else silent();
  };
  req.setTimeout(ms, look);
  req.once('end', () => {
    req.off('timeout', look);
    req.setTimeout(0);
  });
}

/** Whether nothing can be answered any more. */
export function isGone(res: WebResponse): boolean {
  return res instanceof Http2ServerResponse ? !res.stream || res.stream.destroyed : res.destroyed;
}

/** What says `close` when a response is over. HTTP/2's own is silent after a HEAD that was reset meanwhile; its stream is not. */
export function lifeOf(res: WebResponse): Closable {
  return res instanceof Http2ServerResponse ? res.stream : res;
}

/** Whether the answer went out to its end; HTTP/2 ends by itself the stream of a client that has left, and calls that finished. */
export function isWhole(res: WebResponse): boolean {
  return res.writableEnded && res.writableFinished;
}

/** Ends an exchange at once, with its connection where that carries nothing else. */
export function cutExchange(res: WebResponse): void {
  if (res instanceof Http2ServerResponse) res.stream?.close(constants.NGHTTP2_CANCEL);
  else res.destroy();
}

/** Sends the head of an answer whose body comes later. */
export function sendHead(res: WebResponse): void {
  if (res.headersSent || isGone(res)) return;
  if (res instanceof Http2ServerResponse) res.writeHead(res.statusCode);
  else res.flushHeaders();
}

/** Ends an answer so that its client sees that it is not whole. */
export function breakOff(res: WebResponse): void {
  sendHead(res);
  if (res instanceof Http2ServerResponse) res.stream?.close(constants.NGHTTP2_INTERNAL_ERROR);
  else res.destroy();
}

/** Ends a request whose body does not come, whatever has been answered. */
export function cutRequest(req: WebRequest): void {
  if (req instanceof Http2ServerRequest) req.stream.close(constants.NGHTTP2_CANCEL);
  else req.destroy();
}

/**
 * An HTTP/2 stream whose answer is complete stays open until its request is too, and until somebody has read that: here it is
 * over with the answer (RFC 9113 §8.1), as an HTTP/1 exchange is.
 */
export function endWithAnswer(res: WebResponse): void {
  if (!(res instanceof Http2ServerResponse)) return;
  const { stream } = res;
  stream.once('finish', () => setImmediate(() => stream.destroy()));
}

/** Ends an HTTP/1 connection whose answer is over before its request: the rest of that is not read (RFC 9112 §9.3). */
export function endUnread(req: WebRequest, res: WebResponse): void {
  if (req instanceof Http2ServerRequest || res instanceof Http2ServerResponse) return;
  res.once('finish', () => {
    if (req.complete) return;
    req.socket.end();
    linger(req.socket);
  });
}

/** Whether an HTTP/1 client wants its connection closed after the answer. */
export function wantsClose(res: WebResponse): boolean {
  return !(res instanceof Http2ServerResponse) && !res.shouldKeepAlive;
}

/**
 * Calls `closed` when the other side of a socket that nobody reads closes it or its half. What was sent
 * stays to be read. Returns how to stop.
 */
export function watchClose(socket: Socket, closed: () => void): () => void {
  const look = () => {
    if (socket.readableLength === 0) socket.read();
  };
  socket.on('readable', look).once('end', closed).once('close', closed);
  return () => {
    socket.off('readable', look).off('end', closed).off('close', closed);
  };
}

/**
 * For a socket that nobody reads and that ends with what is written to it: what still comes is dropped, so that its end is seen.
 */
export function linger(socket: Socket): void {
  const last = () => {
    const late = setTimeout(() => socket.destroy(), TIMEOUTS.clientLinger).unref();
    socket.once('close', () => clearTimeout(late));
  };
  if (socket.writableFinished) last();
  else socket.once('finish', last);
  socket.resume();
}
