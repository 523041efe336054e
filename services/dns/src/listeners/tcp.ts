/**
 * DNS over TCP (RFC 7766). Queries may be pipelined and are answered in order. A connection lives as long as complete
 * queries arrive: trickling bytes do not keep it, and a packet that must not be answered ends it. A client that does not
 * read its answers is not read from.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Log } from '@spawner/service';
import type { Responder } from './responder.ts';

export interface TcpOptions {
  address: string;
  port: number;
  /** Most connections at once. Further ones are closed immediately. */
  maxConnections: number;
  /** Milliseconds from one complete query, or the start, to the next. */
  idleMs: number;
}

const LENGTH_BYTES = 2;

/** Answers connections until it is closed. Rejects if the port is not available. */
export async function listenTcp(
  { address, port, maxConnections, idleMs }: TcpOptions,
  respond: Responder,
  log: Log,
) {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    serve(socket, respond, idleMs);
  });
  server.maxConnections = maxConnections;
  await once(server.listen(port, address), 'listening');
  server.on('error', (error) => log.warn({ error }, 'the TCP listener has failed'));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function serve(socket: Socket, respond: Responder, idleMs: number): void {
  let pending: Buffer = Buffer.alloc(0);
  const idle = setTimeout(() => socket.destroy(), idleMs);
  const answer = () => {
    while (!socket.writableNeedDrain) {
      const message = firstOf(pending);
      if (!message) return socket.resume();
      pending = pending.subarray(LENGTH_BYTES + message.length);
      const answered = respond(message, 'tcp');
      if (!answered) return socket.destroy();
      idle.refresh();
      socket.write(framed(answered));
    }
    socket.pause();
  };
  socket.on('close', () => clearTimeout(idle));
  socket.on('error', () => socket.destroy());
  socket.on('end', () => socket.end());
  socket.on('drain', answer);
  socket.on('data', (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    answer();
  });
}

/** The first message in these bytes, if it is complete. */
function firstOf(bytes: Buffer): Buffer | undefined {
  if (bytes.length < LENGTH_BYTES) return undefined;
  const end = LENGTH_BYTES + bytes.readUInt16BE(0);
  return end > bytes.length ? undefined : bytes.subarray(LENGTH_BYTES, end);
}

function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}
