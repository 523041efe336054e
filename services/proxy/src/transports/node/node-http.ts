import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, Http2ServerRequest, Http2ServerResponse, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { TIMEOUTS } from '../../timeouts.ts';

/** One way to ask what Node's two HTTP implementations say differently. */
export type WebRequest = IncomingMessage | Http2ServerRequest;
export type WebResponse = ServerResponse | Http2ServerResponse;

/** Whether a request asks for a WebSocket. Node's parser has checked `Connection`. */
export function isWebSocket(req: Pick<WebRequest, 'headers'>): boolean {
  return req.headers.upgrade?.toLowerCase() === 'websocket';
}

/** Calls `silent` when nothing of the body has come for this long although it would be read. */
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

/** Whether the client has left. */
export function isGone(res: WebResponse): boolean {
  return res instanceof Http2ServerResponse ? !res.stream || res.stream.destroyed : res.destroyed;
}

/** The emitter of `close` at the end of a response. An Http2ServerResponse emits none after a HEAD that was reset; its stream does. */
export function lifeOf(res: WebResponse): ServerResponse | ServerHttp2Stream {
  return res instanceof Http2ServerResponse ? res.stream : res;
}

/** Ends the exchange of a request or response at once, with its connection if that carries nothing else. */
export function cutExchange(side: WebRequest | WebResponse): void {
  if ('stream' in side) side.stream?.close(constants.NGHTTP2_CANCEL);
  else side.destroy();
}

/** Sends the head of a response whose body comes later. */
export function sendHead(res: WebResponse): void {
  if (res.headersSent || isGone(res)) return;
  if (res instanceof Http2ServerResponse) res.writeHead(res.statusCode);
  else res.flushHeaders();
}

/** Ends a response so that the client sees that it is incomplete. */
export function breakOff(res: WebResponse): void {
  sendHead(res);
  if (res instanceof Http2ServerResponse) res.stream?.close(constants.NGHTTP2_INTERNAL_ERROR);
  else res.destroy();
}

/**
 * Ends an exchange with its response (RFC 9113 §8.1), as in HTTP/1. By itself an HTTP/2 stream whose response is complete stays
 * open until its request is complete too and has been read.
 */
export function endWithResponse(res: WebResponse): void {
  if (!(res instanceof Http2ServerResponse)) return;
  const { stream } = res;
  stream.once('finish', () => setImmediate(() => stream.destroy()));
}

/** Ends an HTTP/1 connection whose response is over before its request, the rest of which is not read (RFC 9112 §9.3). */
export function endUnread(req: WebRequest, res: WebResponse): void {
  if (req instanceof Http2ServerRequest || res instanceof Http2ServerResponse) return;
  res.once('finish', () => {
    if (req.complete) return;
    req.socket.end();
    linger(req.socket);
  });
}

/** Whether an HTTP/1 client asks to close its connection after the response. */
export function wantsClose(res: WebResponse): boolean {
  return !(res instanceof Http2ServerResponse) && !res.shouldKeepAlive;
}

/**
 * Calls `closed` when the other side closes a socket, or its half, that has no reader. The bytes that came stay to be read. Returns
 * a function that stops the watch.
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

/** For a socket without a reader that ends with what is written to it: drops what still comes, so that its end is seen. */
export function linger(socket: Socket): void {
  const last = () => {
    const late = setTimeout(() => socket.destroy(), TIMEOUTS.clientLinger).unref();
    socket.once('close', () => clearTimeout(late));
  };
  if (socket.writableFinished) last();
  else socket.once('finish', last);
  socket.resume();
}
