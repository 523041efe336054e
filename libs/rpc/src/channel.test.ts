import { createServer, type Socket } from 'node:net';
import { connectivityState } from '@grpc/grpc-js';
import { eventually } from '@spawner/testkit';
import { Channel } from './channel.ts';

describe('a channel', () => {
  it('is replaced after its peer accepted and was silent for four seconds, so that a healed network is found soon', async () => {
    const accepted: Socket[] = [];
    await using server = createServer((socket) => accepted.push(socket.on('error', () => {})));
    const port = await new Promise<number>((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
    );
    let now = 0;
    const channel = new Channel(`127.0.0.1:${port}`, () => now);
    const first = channel.client();
    first.getChannel().getConnectivityState(true);
    await eventually(
      () =>
        accepted.length === 1 &&
        first.getChannel().getConnectivityState(false) === connectivityState.CONNECTING,
    );
    expect(channel.client()).toBe(first);
    now = 4_000;
    expect(channel.client()).toBe(first);
    now = 4_001;
    const second = channel.client();
    expect(second).not.toBe(first);
    second.getChannel().getConnectivityState(true);
    await eventually(() => accepted.length === 2);
    channel.close();
    for (const socket of accepted) socket.destroy();
  });
});
