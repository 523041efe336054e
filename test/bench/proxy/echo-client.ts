/**
 * The WebSocket load of the proxy benchmark, in a process of its own. Every connection repeats to send a message and wait for its
 * echo. Arguments: port, host, bytes of a message, connections, seconds. Ends with one line of JSON.
 */
import { connect } from 'node:net';

const [port, host, size, connections, seconds] = process.argv.slice(2);
const bytes = Number(size);
const took: number[] = [];
let over = false;

/** A masked text frame. The mask is zero, so the payload is unchanged. */
function frame(): Buffer {
  const length = bytes < 126 ? [0x80 | bytes] : [0x80 | 126, bytes >> 8, bytes & 0xff];
  return Buffer.concat([Buffer.from([0x81, ...length, 0, 0, 0, 0]), Buffer.alloc(bytes, 'x')]);
}

function converse(): Promise<void> {
  const message = frame();
  const expected = message.length - 4;
  const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true });
  return new Promise((resolve, reject) => {
    let open = false;
    let left = expected;
    let sentAt = 0;
    const send = () => {
      left = expected;
      sentAt = performance.now();
      socket.write(message);
    };
    socket.on('error', reject).on('close', () => resolve());
    socket.write(
      `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    socket.on('data', (chunk) => {
      if (!open) {
        if (!chunk.toString('latin1').startsWith('HTTP/1.1 101 '))
          reject(new Error(chunk.toString('latin1')));
        open = true;
        send();
        return;
      }
      left -= chunk.length;
      if (left > 0) return;
      took.push(performance.now() - sentAt);
      if (over) socket.destroy();
      else send();
    });
  });
}

setTimeout(() => {
  over = true;
}, Number(seconds) * 1_000);
await Promise.all(Array.from({ length: Number(connections) }, converse));
took.sort((a, b) => a - b);
console.log(JSON.stringify({ done: took.length, p99Ms: took[Math.floor(took.length * 0.99)] }));
