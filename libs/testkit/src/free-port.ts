/**
 * A port for a program that cannot be told to take any (0). It lies below the range from which the kernel takes ports
 * for outgoing connections: a client that retries against a stopped server there can be connected to itself.
 *
 * Between the look at a port and the program's own bind some time passes, in which another worker of the test runner
 * may look at the same one: each worker has a range of its own, and goes through it in order.
 */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const FROM = 15_000;
const TO = 32_000;
const WORKERS = 16;
const EACH = Math.floor((TO - FROM) / WORKERS);
const own = FROM + (Number(process.env.JEST_WORKER_ID ?? 0) % WORKERS) * EACH;

let next = randomInt(EACH);

/** A port on the loopback address that nobody listens on at this moment, neither TCP nor UDP. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < EACH; tries += 1) {
    const port = own + next;
    next = (next + 1) % EACH;
    if ((await tcpIsFree(port)) && (await udpIsFree(port))) return port;
  }
  throw new Error(`found no free port between ${own} and ${own + EACH}`);
}

function tcpIsFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function udpIsFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => resolve(false));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });
}
