import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { keepAlive } from './tcp-keepalive.ts';

/** How connections to backends are opened. */
export interface Dialling {
  /** How long a backend may take to accept a connection. */
  connectTimeoutMs: number;
  /** Called with each connection to a backend, and again when it is reused. */
  connected(upstream: Socket): void;
}

/**
 * Watches a request that was given to a connection. Calls `reached` once the backend has accepted the connection, and fails
 * the request if that takes longer than `connectTimeoutMs`.
 */
export function watchDial(outgoing: ClientRequest, dialling: Dialling, reached: () => void): void {
  const { socket } = outgoing;
  if (socket) {
    keepAlive(socket);
    dialling.connected(socket);
  }
  if (!socket?.connecting) {
    reached();
    return;
  }
  const late = setTimeout(
    () => outgoing.destroy(new Error('the backend did not accept the connection in time')),
    dialling.connectTimeoutMs,
  );
  socket.once('connect', () => {
    clearTimeout(late);
    reached();
  });
  outgoing.once('close', () => clearTimeout(late));
}
