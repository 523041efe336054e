/**
 * The backend of the proxy benchmark, in a process of its own. It answers every request with as many bytes as its path names
 * (`/128`), and echoes WebSocket messages. It does as little as possible, so that it never limits the load.
 */
import { createHash } from 'node:crypto';
import { createServer, type Socket } from 'node:net';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const answers = new Map<string, string>();

function answer(size: string): string {
  const known = answers.get(size);
  if (known !== undefined) return known;
  const head = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: ${new Date().toUTCString()}\r\n`;
  const made = `${head}Connection: keep-alive\r\nKeep-Alive: timeout=60\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(Number(size))}`;
  answers.set(size, made);
  return made;
}

function serve(socket: Socket): void {
  let text = '';
  const take = (chunk: Buffer) => {
    text += chunk.toString('latin1');
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
      const head = text.slice(0, end);
      text = text.slice(end + 4);
      const key = /\r\nsec-websocket-key: *(\S+)/i.exec(head)?.[1];
      if (key === undefined) socket.write(answer(/^\S+ \/(\d+)/.exec(head)?.[1] ?? '128'), 'latin1');
      else {
        socket.off('data', take);
        echo(socket, key);
      }
    }
  };
  socket.on('error', () => {}).on('data', take);
}

function echo(socket: Socket, key: string): void {
  const accept = createHash('sha1')
    .update(key + GUID)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 2) {
      const short = (rest[1] ?? 0) & 0x7f;
      const begin = short === 126 ? 4 : 2;
      if (rest.length < begin + 4) return;
      const size = short === 126 ? rest.readUInt16BE(2) : short;
      if (rest.length < begin + 4 + size) return;
      const frame = Buffer.allocUnsafe(begin + size);
      rest.copy(frame, 0, 0, begin);
      frame[1] = short;
      for (let at = 0; at < size; at++)
        frame[begin + at] = (rest[begin + 4 + at] ?? 0) ^ (rest[begin + (at & 3)] ?? 0);
      socket.write(frame);
      rest = rest.subarray(begin + 4 + size);
    }
  });
}

createServer({ noDelay: true }, serve).listen(Number(process.argv[2]), '127.0.0.1', () =>
  console.log('ready'),
);
