/**
 * A port for a program that cannot be told to take any (0). It lies below the range from which the kernel takes ports
 * for outgoing connections: a client that retries against a stopped server there can be connected to itself.
 */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const FROM = 15_000;
const TO = 32_000;

/** A port on the loopback address that nobody listens on at this moment, neither TCP nor UDP. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = randomInt(FROM, TO);
    if ((await tcpIsFree(port)) && (await udpIsFree(port))) return port;
  }
  throw new Error(`found no free port between ${FROM} and ${TO}`);
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
