import { STATUS_CODES } from 'node:http';
import { Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import type { Answer } from '../../edge/replies.ts';
import { isGone, linger, type WebResponse } from './node-http.ts';

/** Writes one of our own answers; does nothing where an answer has begun or nobody is there. */
export function reply(res: WebResponse, { status, headers, body, follow }: Answer, closing: boolean): void {
  if (res.headersSent || isGone(res)) return;
  if (follow) {
    begin(res, status, headers, follow);
    return;
  }
  const bytes = Buffer.from(body);
  if (res instanceof Http2ServerResponse) {
    res.writeHead(status, headers).end(bytes);
    return;
  }
  const connection = closing ? { Connection: 'close' } : {};
  res.writeHead(status, { ...headers, 'Content-Length': bytes.length, ...connection }).end(bytes);
}

/** Its end comes when `follow` says so, or the client leaves. */
function begin(
  res: WebResponse,
  status: number,
  headers: Answer['headers'],
  follow: NonNullable<Answer['follow']>,
): void {
  if (res instanceof Http2ServerResponse) res.writeHead(status, headers);
  else res.writeHead(status, { ...headers, Connection: 'close' });
  const left = follow({
    write: (text) => {
      if (res instanceof Http2ServerResponse) res.write(text);
      else res.write(text);
    },
    end: () => res.end(),
  });
  res.once('close', left);
}

/** The same on the bare socket of a WebSocket handshake, which ends with it. */
export function replyToHandshake(socket: Socket, answer: Answer): void {
  if (!socket.writable) return;
  socket.end(answerBytes(answer, true));
  linger(socket);
}

/** A whole answer as HTTP/1.1 writes it. */
export function answerBytes({ status, headers, body }: Answer, closing: boolean): Buffer {
  const connection = closing ? { Connection: 'close' } : {};
  const all = { ...headers, 'Content-Length': Buffer.byteLength(body), ...connection };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
}
