import type { ClientRequest } from 'node:http';
import { keepAlive } from './websocket.ts';

/**
 * Watches a request that was given to a connection: `reached` is called once the backend has taken that connection. One that is
 * not taken within `connectTimeoutMs` fails the request.
 */
export function watchDial(outgoing: ClientRequest, connectTimeoutMs: number, reached: () => void): void {
  const { socket } = outgoing;
  if (socket) keepAlive(socket);
  if (!socket?.connecting) {
    reached();
    return;
  }
  const late = setTimeout(
    () => outgoing.destroy(new Error('the connection was not taken in time')),
    connectTimeoutMs,
  );
  socket.once('connect', () => {
    clearTimeout(late);
    reached();
  });
  outgoing.once('close', () => clearTimeout(late));
}
