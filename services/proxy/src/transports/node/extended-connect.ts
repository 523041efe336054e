import { createHash, randomBytes } from 'node:crypto';
import {
  type Agent,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http';
import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { TIMEOUTS } from '../../timeouts.ts';
import { type Dialling, watchDial } from '../dialling.ts';
import { failureOf } from './answer-agent.ts';
import type { NodeExchange } from './exchange.ts';
import { boundInterim, readRefusal, readSwitch } from './response-parser.ts';

const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const WRONG_ACCEPT = 'its Sec-WebSocket-Accept does not belong to the key of the handshake';
/** These belong to the one handshake that is made here. */
const OF_THE_HANDSHAKE = ['sec-websocket-key', 'sec-websocket-accept', 'content-length'];

/**
 * A WebSocket over HTTP/2 (RFC 8441): an extended CONNECT on the client's side, an HTTP/1.1 handshake (RFC 6455 §4.1) with a
 * key of our own on the backend's. The client gets 200 once the backend's accept has been checked; a refusal crosses whole.
 */
export function openExtended(
  stream: ServerHttp2Stream,
  exchange: NodeExchange,
  dialling: Dialling,
  agent: Agent,
): void {
  const key = randomBytes(16).toString('base64');
  const { host, port } = exchange.decision.endpoint;
  const headers = { ...withoutHandshake(exchange.headers), 'sec-websocket-key': key };
  const outgoing = httpRequest({ host, port, path: exchange.path, headers, agent, setHost: false });
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
  const fail = (objection: string) => {
    outgoing.destroy();
    exchange.failed({ objection });
  };
  outgoing.once('close', () => clearTimeout(late));
  outgoing.on('error', (error) => {
    settle();
    exchange.failed(failureOf(error));
  });
  outgoing.once('socket', () => {
    watchDial(outgoing, dialling, () => exchange.reached());
    exchange.sent(outgoing);
  });
  boundInterim(outgoing);
  outgoing.once('response', (response) => {
    settle();
    const read = readRefusal(response, exchange.clusterDomain);
    if (read.objection !== undefined) return fail(read.objection);
    if (stream.destroyed || outgoing.destroyed) return left();
    exchange.answered(read.status);
    stream.respond({ ':status': read.status, ...exchange.located(read.headers) });
    stream.once('close', left);
    response.once('error', () => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
    response.pipe(stream);
  });
  outgoing.once('upgrade', (response, socket: Socket, early) => {
    settle();
    socket.on('error', () => {});
    const read = readSwitch(response, exchange.clusterDomain);
    const objection = read.objection ?? (acceptsKey(response, key) ? undefined : WRONG_ACCEPT);
    if (read.objection !== undefined || objection !== undefined || stream.destroyed) {
      socket.destroy();
      exchange.failed({ objection });
      return;
    }
    exchange.answered(200);
    stream.respond({ ':status': 200, ...withoutHandshake(read.headers) });
    if (early.length > 0) socket.unshift(early);
    join(stream, socket);
    exchange.client.upgraded(socket);
  });
  outgoing.end();
}

function acceptsKey({ headers }: IncomingMessage, key: string): boolean {
  return headers['sec-websocket-accept'] === createHash('sha1').update(`${key}${MAGIC}`).digest('base64');
}

/** Pipes both ways. An end is an end; a break on one side breaks the other (RFC 8441 §5). */
function join(stream: ServerHttp2Stream, socket: Socket): void {
  stream.on('error', () => {});
  socket.once('error', () => stream.close(constants.NGHTTP2_CANCEL));
  stream.once('aborted', () => socket.destroy());
  socket.pipe(stream);
  stream.pipe(socket);
}

function withoutHandshake(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const kept = Object.entries(headers).filter(
    ([name]) => !name.startsWith(':') && !OF_THE_HANDSHAKE.includes(name),
  );
  return Object.fromEntries(kept);
}
