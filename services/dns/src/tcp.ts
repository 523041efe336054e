/**
 * DNS over TCP (RFC 7766): queries may follow one another without waiting and are answered in their
 * order. A connection lives for as long as whole queries come: bytes that trickle in do not keep it, what
 * may not be answered ends it, and a client that does not read its answers is not read from.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Log } from '@spawner/service';
import type { Listener } from './listener.ts';
import type { Responder } from './responder.ts';

export interface TcpOptions {
  /** Connections at once; more are closed at once. */
  maxConnections: number;
  /** From one whole query (or the beginning) to the next. */
  idleMs: number;
}

const LENGTH_BYTES = 2;

/** Answers connections until closed. Rejects where the port cannot be had. */
export async function listenTcp(
  address: string,
  port: number,
  responder: Responder,
  log: Log,
  { maxConnections, idleMs }: TcpOptions,
): Promise<Listener> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    serve(socket, responder, idleMs);
  });
  server.maxConnections = maxConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
  server.on('error', (error) => log.warn({ error }, 'TCP listener'));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function serve(socket: Socket, responder: Responder, idleMs: number): void {
  let pending: Buffer = Buffer.alloc(0);
  const idle = setTimeout(() => socket.destroy(), idleMs);
  const answer = () => {
    while (!socket.writableNeedDrain) {
      const message = firstOf(pending);
      if (!message) return socket.resume();
      pending = pending.subarray(LENGTH_BYTES + message.length);
      const answered = responder.respond(message, 'tcp');
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

/** The first message in these bytes, once it is whole. */
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
