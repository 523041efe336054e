import { createSocket } from 'node:dgram';
import { type EventEmitter, once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

const LOOPBACK = '127.0.0.1';

/**
 * Ports below the range that the kernel uses for outgoing connections. In that range, a client that retries against a stopped
 * server can be connected to itself.
 */
export const QUIET_PORTS = { from: 15_000, to: 32_000 };

/** Whether neither TCP nor UDP is bound to this port of the address at this moment. */
export async function portIsFree(port: number, address = LOOPBACK): Promise<boolean> {
  return (await bindsTcp(port, address)) && (await bindsUdp(port, address));
}

/** A quiet port that `isFree` accepts. Throws if it finds none. */
export async function anyPort(
  isFree: (port: number) => Promise<boolean> = portIsFree,
  random: () => number = Math.random,
): Promise<number> {
  const { from, to } = QUIET_PORTS;
  for (let tries = 0; tries < 200; tries += 1) {
    const port = from + Math.floor(random() * (to - from));
    if (await isFree(port)) return port;
  }
  throw new Error(`found no free port between ${from} and ${to}`);
}

/** A TCP port of the loopback address that the kernel chooses. It may choose the same one again until something listens. */
export async function unusedPort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, LOOPBACK), 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return port;
}

function bindsTcp(port: number, address: string): Promise<boolean> {
  const server = createServer();
  return binds(server.listen(port, address), () => server.close());
}

function bindsUdp(port: number, address: string): Promise<boolean> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  return binds(socket.bind(port, address), () => socket.close());
}

async function binds(listener: EventEmitter, close: () => void): Promise<boolean> {
  try {
    await once(listener, 'listening');
  } catch {
    return false;
  }
  const closed = once(listener, 'close');
  close();
  await closed;
  return true;
}
