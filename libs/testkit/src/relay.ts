/** A TCP port in front of another one, which can be exchanged, as when an address moves to another server. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface Relay extends AsyncDisposable {
  port: number;
  /** From now on connections lead to this loopback port; those that are open are cut. */
  to(port: number): void;
  /** How many connections have come so far. */
  connections(): number;
}

export async function startRelay(first: number, address = '127.0.0.1'): Promise<Relay> {
  let target = first;
  let came = 0;
  const open = new Set<Socket>();
  const keep = (socket: Socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => {});
  };
  const server = createServer((near) => {
    came += 1;
    const far = connect({ port: target, host: '127.0.0.1' });
    for (const socket of [near, far]) keep(socket);
    near.pipe(far).pipe(near);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  await once(server.listen(0, address), 'listening');
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    port: (server.address() as { port: number }).port,
    to: (port) => {
      target = port;
      cut();
    },
    connections: () => came,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      cut();
      await closed;
    },
  };
}
