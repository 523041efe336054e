/** The drawing board: one process has one board, for everyone who has its address. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { servePages } from './pages.ts';
import { Room } from './room.ts';
import { acceptWebSocket, refuseUpgrade } from './websocket.ts';

const LAST_CALL_MS = 500;

const log = (line: string) => process.stdout.write(`${line}\n`);
const room = new Room(process.env.SPAWNER_BACKEND_ID || hostname(), log);
const server = createServer(servePages(join(import.meta.dirname, 'public')));

server.on('upgrade', (request, socket, head) => {
  const url = URL.parse(request.url ?? '/', 'http://board');
  const token = url?.searchParams.get('page') ?? '';
  if (url?.pathname !== '/draw' || !/^[\w-]{16,64}$/.test(token)) refuseUpgrade(socket, '404 Not Found');
  else if (!isSameOrigin(request)) refuseUpgrade(socket, '403 Forbidden');
  else {
    const connection = acceptWebSocket(request, socket, head);
    if (connection) room.join(connection, token);
  }
});

server.listen(Number(process.env.PORT || 8080), process.env.HOST, () => {
  log(`drawing board listening on ${(server.address() as AddressInfo).port}`);
});
setInterval(() => room.tick(), 1_000).unref();

process.once('SIGTERM', stop).once('SIGINT', stop);

function stop(): void {
  room.close();
  server.close(() => setImmediate(() => process.exit(0)));
  server.closeIdleConnections();
  setTimeout(() => process.exit(0), LAST_CALL_MS);
}

/** Pages of other sites, and of other sessions of the cluster domain, must not use this board. */
function isSameOrigin({ headers }: IncomingMessage): boolean {
  if (!headers.origin) return true;
  const origin = URL.canParse(headers.origin) ? new URL(headers.origin).host : '';
  return origin === headers.host || origin === headers['x-forwarded-host'];
}
