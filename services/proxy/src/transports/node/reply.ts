import { Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import type { Reply } from '../../edge/replies.ts';
import { replyBytes } from '../reply-bytes.ts';
import { isGone, linger, type WebResponse } from './node-http.ts';

/** Writes a reply of the edge's own, unless a response has begun or the client has left. */
export function writeReply(res: WebResponse, reply: Reply, closing: boolean): void {
  const { status, headers, body, follow } = reply;
  if (res.headersSent || isGone(res)) return;
  if (follow) {
    stream(res, reply, follow);
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

/** Ends when `follow` ends its sink, or the client leaves. */
function stream(res: WebResponse, { status, headers }: Reply, follow: NonNullable<Reply['follow']>): void {
  if (res instanceof Http2ServerResponse) res.writeHead(status, headers);
  else res.writeHead(status, { ...headers, Connection: 'close' });
  const left = follow({
    write: (text) => void (res as Writable).write(text),
    end: () => res.end(),
  });
  res.once('close', left);
}

/** Writes a reply on the socket of a handshake, and ends the connection. */
export function replyToHandshake(socket: Socket, reply: Reply): void {
  if (!socket.writable) return;
  socket.end(replyBytes(reply, true));
  linger(socket);
}
