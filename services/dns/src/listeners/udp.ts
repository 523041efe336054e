import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import type { Log } from '@spawner/service';
import type { Responder } from './responder.ts';

/** Answers datagrams until it is closed. Rejects if the port is not available. */
export async function listenUdp(address: string, port: number, respond: Responder, log: Log) {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  await once(socket.bind(port, address), 'listening');
  socket.on('error', (error) => log.warn({ error }, 'the UDP socket has failed'));
  socket.on('message', (bytes, from) => {
    // Port 0 can be forged, and cannot be sent to.
    const answer = from.port === 0 ? undefined : respond(bytes, 'udp');
    // A client that cannot be reached asks again, so there is nothing to do about an error.
    if (answer) socket.send(answer, from.port, from.address, () => {});
  });
  return {
    port: socket.address().port,
    close: () => new Promise<void>((resolve) => socket.close(() => resolve())),
  };
}
