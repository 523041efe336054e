/**
 * A backend that a test starts by the thousand: one file without imports of its own, because reading more costs each
 * start more. It answers for as long as a request asks, in every way that keeps a session in use.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

const { PORT, HOST } = process.env;
const TICK_MS = 100;
const CHUNK = Buffer.alloc(1_000, 'spawner ');
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const TEXT = 0x81;
const CLOSE = 0x88;

process.on('SIGTERM', () => process.exit(0));

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://streams');
  const ms = Number(searchParams.get('ms') ?? 0);
  response.on('error', () => {});
  if (pathname === '/download') ticks(response, ms);
  else if (pathname === '/events') ticks(response, Number.POSITIVE_INFINITY, 'text/event-stream');
  else if (pathname === '/upload') count(request, response);
  else setTimeout(() => response.end(process.env.NAME ?? ''), ms);
});

/** `/ws` echoes. With `ms` it closes after that time; with `stay` it keeps its half open when the client ends its own. */
server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
  const { searchParams } = new URL(request.url ?? '/', 'http://streams');
  const key = request.headers['sec-websocket-key'] ?? '';
  const accept = createHash('sha1')
    .update(key + ACCEPT_SUFFIX)
    .digest('base64');
  socket.on('error', () => {});
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  const end = () => {
    if (socket.writable) socket.end(Buffer.from([CLOSE, 2, 3, 232]));
  };
  const ms = Number(searchParams.get('ms') ?? 0);
  if (ms > 0) setTimeout(end, ms);
  socket.on('end', () => {
    if (!searchParams.has('stay')) end();
  });
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (let frame = first(rest); frame; frame = first(rest)) {
      rest = rest.subarray(frame.length);
      if (frame.opcode === CLOSE) end();
      else if (frame.opcode === TEXT)
        socket.write(Buffer.from([TEXT, frame.payload.length, ...frame.payload]));
    }
  });
});

server.listen(Number(PORT || 8080), HOST);

/** A chunk at every tick until the time is over, then the end; nothing after the reader has gone. */
function ticks(response: ServerResponse, ms: number, type = 'application/octet-stream'): void {
  response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' });
  const until = performance.now() + ms;
  const event = type === 'text/event-stream';
  const timer = setInterval(() => {
    if (performance.now() < until) response.write(event ? 'data: tick\n\n' : CHUNK);
    else response.end('end');
  }, TICK_MS);
  response.write(event ? ': open\n\n' : CHUNK);
  response.once('close', () => clearInterval(timer));
}

function count(request: IncomingMessage, response: ServerResponse): void {
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  request.on('error', () => {});
  request.on('end', () => response.end(String(bytes)));
}

/** The first frame of a client, which is short and masked (RFC 6455 §5.2); undefined until it is whole. */
function first(bytes: Buffer): { opcode: number; payload: Buffer; length: number } | undefined {
  const size = (bytes[1] ?? 0) & 0x7f;
  const length = 6 + size;
  if (bytes.length < length) return undefined;
  const mask = bytes.subarray(2, 6);
  const payload = Buffer.from(bytes.subarray(6, length).map((byte, index) => byte ^ (mask[index % 4] ?? 0)));
  return { opcode: bytes[0] ?? 0, payload, length };
}
