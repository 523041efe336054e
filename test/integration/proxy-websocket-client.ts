/** The two ends of a WebSocket for tests of the proxy: clients, raw handshakes, and a backend that does as the test says. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { type ProxyWorld, serve } from './proxy-fixture.ts';

export async function openWebSocket(world: ProxyWorld, host: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${world.port}/ws`, { headers: { host } });
  await once(socket, 'open');
  return socket;
}

/** Sends a message and resolves with the next one that comes. */
export async function say(socket: WebSocket, data: string | Buffer): Promise<Buffer> {
  const answer = once(socket, 'message');
  socket.send(data);
  return (await answer)[0];
}

/** A handshake as bytes; the key's accept value is s3pPLMBiTxaQ9kYGzzhZRbK+xOo= (RFC 6455 §1.3). */
export const handshake = (host: string, connection = 'Upgrade') =>
  `GET /ws HTTP/1.1\r\nHost: ${host}\r\nConnection: ${connection}\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

export const SWITCHING =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n';

/** A backend that switches protocols and then does as the test says. */
export function switching(then: (socket: Socket) => void) {
  const server = createServer((_req, res) => res.end());
  server.on('upgrade', (_req, socket: Socket) => {
    socket.write(SWITCHING);
    then(socket);
  });
  return serve(server);
}
