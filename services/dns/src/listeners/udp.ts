import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Log } from '@spawner/service';
import { addressesBehind } from './local-addresses.ts';
import type { Responder } from './responder.ts';

export interface UdpOptions {
  address: string;
  port: number;
  /** The machine's, unless a test has its own. */
  interfaces?: typeof networkInterfaces;
}

/** The address is not, or not yet, this machine's. */
const AWAY = 'EADDRNOTAVAIL';

/**
 * Answers datagrams until it is closed. Rejects if the port is not available. Behind `0.0.0.0` and `::` each local address has a
 * socket of its own, so an answer leaves from the address that was asked; the kernel prefers it to the one of all addresses.
 */
export async function listenUdp(
  { address, port, interfaces = networkInterfaces }: UdpOptions,
  respond: Responder,
  log: Log,
) {
  const single = new Map<string, Socket>();
  let closed = false;

  /** `shared`: other sockets have the same port, at other addresses. */
  const open = async (at: string, on: number, shared: boolean): Promise<Socket> => {
    const socket = createSocket({ type: isIPv6(at) ? 'udp6' : 'udp4', reuseAddr: shared });
    try {
      await once(socket.bind(on, at), 'listening');
    } catch (error) {
      socket.close();
      throw error;
    }
    socket.on('error', (error) => log.warn({ error, address: at }, 'a UDP socket has failed'));
    socket.on('message', (bytes, from) => {
      // Port 0 can be forged, and cannot be sent to.
      const answer = from.port === 0 ? undefined : respond(bytes, 'udp');
      // A client that cannot be reached asks again, so there is nothing to do about an error.
      if (answer) socket.send(answer, from.port, from.address, () => {});
    });
    return socket;
  };

  const present = () => addressesBehind(address, interfaces());
  const main = await open(address, port, present().length > 0);
  const bound = main.address().port;

  const add = async (at: string): Promise<void> => {
    const socket = await open(at, bound, true).catch((error: NodeJS.ErrnoException) => {
      if (error.code === AWAY) return undefined;
      throw error;
    });
    if (closed) socket?.close();
    else if (socket) single.set(at, socket);
  };

  /** Opens sockets for addresses that came, and closes those of addresses that went. To be called now and then, in turn. */
  const follow = async (): Promise<void> => {
    const wanted = new Set(present());
    for (const [at, socket] of single)
      if (!wanted.has(at)) {
        single.delete(at);
        socket.close();
      }
    for (const at of wanted) if (!single.has(at) && !closed) await add(at);
  };

  const close = async () => {
    closed = true;
    const sockets = [main, ...single.values()];
    single.clear();
    await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  };
  await follow().catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return { port: bound, follow, close };
}
