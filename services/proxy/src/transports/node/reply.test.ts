import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { eventually } from '@spawner/testkit';
import { REPLIES } from '../../edge/replies.ts';
import { replyToHandshake } from './reply.ts';

const stack = new AsyncDisposableStack();
afterAll(() => stack.disposeAsync());

/** A client that has sent more than its handshake, and the server's unread end of its connection. */
async function outspoken(): Promise<{ client: Socket; server: Socket }> {
  const listener = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  stack.defer(() => void listener.close());
  await once(listener, 'listening');
  const accepted = once(listener, 'connection');
  const { port } = listener.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
  const [server] = (await accepted) as [Socket];
  server.on('error', () => {}).unshift(Buffer.from('early'));
  stack.defer(() => void client.destroy());
  stack.defer(() => void server.destroy());
  return { client, server };
}

describe('a refused handshake', () => {
  it('closes when its client leaves, also where that had spoken early', async () => {
    const { client, server } = await outspoken();
    replyToHandshake(server, REPLIES.badGateway(false));
    expect(String((await once(client, 'data'))[0])).toMatch(/^HTTP\/1\.1 502 /);
    client.end();
    await eventually(() => server.destroyed);
  });

  it('is cut where its client does not leave', async () => {
    const { client, server } = await outspoken();
    replyToHandshake(server, REPLIES.badGateway(false));
    client.resume();
    await eventually(() => server.destroyed, { timeoutMs: 8_000 });
    expect(client.writable).toBe(true);
  }, 10_000);
});
