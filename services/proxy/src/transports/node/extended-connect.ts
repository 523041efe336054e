import { createHash, randomBytes } from 'node:crypto';
import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http';
import { constants, type Http2ServerRequest, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { boundInterim, objectionTo, objectionToSwitch } from '../../edge/response-rules.ts';
import { TIMEOUTS } from '../../timeouts.ts';
import { type Dialling, watchDial } from './dial.ts';
import type { UpgradeForwarding } from './exchange.ts';

/**
 * WebSockets over HTTP/2 (RFC 8441): the stream of an extended CONNECT on one side, on the other the HTTP/1.1 handshake that
 * backends speak (RFC 6455 §4.1), with a key of our own. The client hears 200 only after the backend's accept has been checked.
 */
const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** They belong to the one handshake that is made here. */
const OF_THE_HANDSHAKE = ['sec-websocket-key', 'sec-websocket-accept', 'content-length'];

/** What an extended CONNECT asks for, or nothing where it is a plain one. */
export function protocolOf(req: Http2ServerRequest): string | undefined {
  return req.headers[':protocol'] as string | undefined;
}

/** Makes the handshake and joins the two; a refusal goes to the client whole. Everything else is one call of `way.failed`. */
export function openExtended(stream: ServerHttp2Stream, way: UpgradeForwarding, dialling: Dialling): void {
  const key = randomBytes(16).toString('base64');
  const { host, port } = way.endpoint;
  const headers = { ...plain(way.headers), 'sec-websocket-key': key };
  const outgoing = httpRequest({ host, port, path: way.path, headers, agent: false, setHost: false });
  const late = setTimeout(
    () => outgoing.destroy(new Error('the handshake was not answered in time')),
    TIMEOUTS.handshakeAnswer,
  );
  const left = () => outgoing.destroy();
  stream.once('close', left);
  const settle = () => {
    clearTimeout(late);
    stream.off('close', left);
  };
  outgoing.once('close', () => clearTimeout(late));
  outgoing.on('error', (error) => {
    settle();
    way.failed(error);
  });
  outgoing.once('socket', () => {
    watchDial(outgoing, dialling, () => way.reached());
    way.access?.follow(outgoing);
  });
  boundInterim(outgoing);
  outgoing.once('response', (answer) => {
    settle();
    refused(stream, answer, outgoing, way);
  });
  outgoing.once('upgrade', (answer, socket: Socket, early) => {
    settle();
    socket.on('error', () => {});
    const problem =
      objectionToSwitch(answer) ??
      objection(answer, key) ??
      (stream.destroyed ? 'the client left' : undefined);
    if (problem) {
      socket.destroy();
      way.failed(new Error(problem));
      return;
    }
    way.answered(200);
    stream.respond({ ':status': 200, ...plain(way.answerHeaders(answer.headers, false)) });
    if (early.length > 0) socket.unshift(early);
    join(stream, socket);
    way.upgraded(socket);
  });
  outgoing.end();
}

function objection({ headers }: IncomingMessage, key: string): string | undefined {
  const accept = createHash('sha1').update(`${key}${MAGIC}`).digest('base64');
  return headers['sec-websocket-accept'] === accept ? undefined : 'the backend accepted another key';
}

/** A success that is no switch would open the WebSocket here, and HTTP/2 has no status above 599: failures instead. */
function refused(
  stream: ServerHttp2Stream,
  answer: IncomingMessage,
  outgoing: ClientRequest,
  way: UpgradeForwarding,
): void {
  const status = answer.statusCode ?? 0;
  const opens =
    status < 300 || status > 599 ? `the backend answered the handshake with ${status}` : undefined;
  const problem = opens ?? objectionTo(answer);
  if (problem !== undefined) {
    outgoing.destroy();
    way.failed(new Error(problem));
    return;
  }
  if (stream.destroyed || outgoing.destroyed) {
    outgoing.destroy();
    return;
  }
  way.answered(status);
  stream.respond({ ':status': status, ...way.answerHeaders(answer.headers, false) });
  stream.once('close', () => outgoing.destroy());
  answer.once('error', () => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
  answer.pipe(stream);
}

/** Both ways with back-pressure; an end is an end, and what breaks on one side is over on the other (RFC 8441 §5). */
function join(stream: ServerHttp2Stream, socket: Socket): void {
  stream.on('error', () => {});
  socket.once('error', () => stream.close(constants.NGHTTP2_CANCEL));
  stream.once('aborted', () => socket.destroy());
  socket.pipe(stream);
  stream.pipe(socket);
}

function plain(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const kept = Object.entries(headers).filter(
    ([name]) => !name.startsWith(':') && !OF_THE_HANDSHAKE.includes(name),
  );
  return Object.fromEntries(kept);
}
