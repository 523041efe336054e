import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Log } from '@spawner/service';
import type { Listener } from './listener.ts';
import type { Responder } from './responder.ts';

/** Answers datagrams until it is closed. Rejects if the port is not available. */
export async function listenUdp(
  address: string,
  port: number,
  responder: Responder,
  log: Log,
): Promise<Listener> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, address, () => {
      socket.removeListener('error', reject);
      resolve();
    });
  });
  socket.on('error', (error) => log.warn({ error }, 'the UDP socket has failed'));
  socket.on('message', (bytes, from) => {
    // Port 0 can be forged, and cannot be sent to.
    const answer = from.port === 0 ? undefined : responder.respond(bytes, 'udp');
    // A client that cannot be reached asks again, so there is nothing to do about an error.
    if (answer) socket.send(answer, from.port, from.address, () => {});
  });
  return {
    port: socket.address().port,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}
