/**
 * The users of the idle benchmark, in a process of its own. It opens WebSockets over TLS, a few at a time, and has one message of each
 * echoed. After that it is silent. Arguments: port, host, connections. Prints `open` when all are open.
 */
import { once } from 'node:events';
import type { TcpSocketConnectOpts } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';

const [port, host = '', count] = process.argv.slice(2);
const AT_ONCE = 32;
/** Loopback addresses, so that no pair of them runs out of ports. */
const ADDRESSES = 8;
const MESSAGE = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]);
const ECHO_BYTES = 4;

async function open(index: number): Promise<void> {
  const options: ConnectionOptions & TcpSocketConnectOpts = {
    port: Number(port),
    host: '127.0.0.1',
    servername: host,
    localAddress: `127.0.0.${2 + (index % ADDRESSES)}`,
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: false,
  };
  const socket = connect(options);
  socket.on('error', fail).on('close', () => fail(new Error('a connection was closed')));
  socket.write(
    `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  let text = '';
  while (!text.includes('\r\n\r\n')) text += String((await once(socket, 'data'))[0]);
  if (!text.startsWith('HTTP/1.1 101 ')) fail(new Error(text));
  socket.write(MESSAGE);
  for (let left = ECHO_BYTES; left > 0; ) left -= ((await once(socket, 'data'))[0] as Buffer).length;
  socket.resume();
}

function fail(error: Error): never {
  console.error(error.message);
  process.exit(1);
}

let next = 0;
const work = async () => {
  while (next < Number(count)) await open(next++);
};
await Promise.all(Array.from({ length: AT_ONCE }, work));
console.log('open');
