import type { ClientRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Endpoint } from '@spawner/proto/internal/backend_status';
import { keepAlive } from './tcp-keepalive.ts';

/** How connections to backends are opened. */
export interface Dialling {
  /** How long a backend may take to accept a connection. */
  connectTimeoutMs: number;
  /** Called with each connection to a backend, and again when it is reused. */
  connected(upstream: Socket): void;
}

/** Whether nothing listens at the address. */
export function isRefusal(error: Error): boolean {
  return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
}

/** Opens a connection. Resolves to undefined if the backend does not accept it in time. */
export function dial({ host, port }: Endpoint, { connectTimeoutMs }: Dialling): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, noDelay: true });
    const failed = () => resolve(undefined);
    const late = setTimeout(() => socket.destroy(), connectTimeoutMs);
    socket.once('error', failed).once('close', failed);
    socket.once('connect', () => {
      clearTimeout(late);
      socket.off('error', failed).off('close', failed);
      resolve(socket);
    });
    socket.once('close', () => clearTimeout(late));
  });
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
