import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { keepAlive } from '../tcp-keepalive.ts';

/** How backends are dialled. */
export interface Dialling {
  connectTimeoutMs: number;
  /** Called with every connection to a backend, again each time that one is used again. */
  connected(upstream: Socket): void;
}

/**
 * Watches a request that was given to a connection: `reached` is called once the backend has taken that connection. One that is
 * not taken within `connectTimeoutMs` fails the request.
 */
export function watchDial(
  outgoing: ClientRequest,
  { connectTimeoutMs, connected }: Dialling,
  reached: () => void,
): void {
  const { socket } = outgoing;
  if (socket) {
    keepAlive(socket);
    connected(socket);
  }
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
