/** The program behind every route of the benchmark. It answers at once and records when each host was requested. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const HOST = /\r\nhost: ([a-z0-9]+)\./i;

export interface Backend extends AsyncDisposable {
  port: number;
  /** Resolves with the instant (`performance.now`) at which a request for this id arrived. */
  asked(id: string): Promise<number>;
}

export async function startBackend(): Promise<Backend> {
  const waiting = new Map<string, (at: number) => void>();
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket)).on('error', () => {});
    socket.on('data', (head) => {
      const at = performance.now();
      const id = HOST.exec(head.toString('latin1'))?.[1] ?? '';
      waiting.get(id)?.(at);
      waiting.delete(id);
      socket.write(ANSWER);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    asked: (id) => new Promise((resolve) => waiting.set(id, resolve)),
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
