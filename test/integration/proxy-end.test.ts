import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { eventually, startUpstream, type Upstream } from '@spawner/testkit';
import { type ProxyWorld, serve, startProxyWorld } from './proxy-fixture.ts';
import { handshake, openWebSocket, say, switching } from './proxy-websocket-client.ts';

let world: ProxyWorld;
let red: Upstream;

beforeAll(async () => {
  world = await startProxyWorld({ SPAWNER_PROXY_HOLD_TIMEOUT_MS: '2000' });
  red = await startUpstream();
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await red?.stop();
});

describe('the end of a backend', () => {
  it('closes its WebSockets with 1001, and no others', async () => {
    const [a, b] = [await world.backend(red), await world.backend(red)];
    const [ending, going] = [await openWebSocket(world, a.host), await openWebSocket(world, b.host)];
    const closed = once(ending, 'close');
    await world.ended(a.id, BackendState.TERMINATING, EndReason.REQUESTED);
    const [code, reason] = await closed;
    expect([code, reason.toString()]).toEqual([1001, 'the session has ended']);
    await eventually(async () => (await world.settle(a.id)).open === 0);
    expect((await say(going, 'ok')).toString()).toBe('echo: ok');
    going.close();
  });

  it('waits for the frame under way before it says so', async () => {
    let upstream: Socket | undefined;
    await using server = await switching((socket) => {
      upstream = socket;
      // A text frame of 300 bytes, of which 100 come now.
      socket.write(Buffer.concat([Buffer.from([0x81, 126, 300 >> 8, 300 & 0xff]), Buffer.alloc(100, 'a')]));
    });
    const { id, host } = await world.backend(server);
    const client = connect({ port: world.port, host: '127.0.0.1' });
    const received: Buffer[] = [];
    client.on('data', (chunk) => received.push(chunk));
    client.write(handshake(host));
    const frames = () => {
      const all = Buffer.concat(received);
      return all.subarray(all.indexOf('\r\n\r\n') + 4);
    };
    await eventually(() => frames().length === 104);
    await world.ended(id, BackendState.TERMINATING, EndReason.REQUESTED);
    await eventually(async () => (await world.get(host)).status === 410);
    expect(frames().length).toBe(104);
    const closed = once(client, 'end');
    // The rest, and a frame that must not come after the close frame.
    upstream?.write(Buffer.concat([Buffer.alloc(200, 'b'), Buffer.from([0x81, 1, 0x63])]));
    await closed;
    expect(frames().subarray(104, 304).equals(Buffer.alloc(200, 'b'))).toBe(true);
    expect(frames().subarray(304, 308)).toEqual(Buffer.from([0x88, frames().length - 306, 0x03, 0xe9]));
    client.destroy();
  });

  it('cuts what has not closed by then', async () => {
    let upstreamClosed = false;
    await using server = await switching((socket) => {
      socket.once('end', () => {
        upstreamClosed = true;
      });
      // This frame is never finished.
      socket.resume();
      socket.write(Buffer.from([0x81, 5, 0x61]));
    });
    const { id, host } = await world.backend(server);
    const client = connect({ port: world.port, host: '127.0.0.1' });
    client.on('error', () => {});
    client.write(handshake(host));
    await eventually(async () => (await world.settle(id)).open === 1);
    await once(client, 'data');
    client.resume();
    await world.ended(id, BackendState.TERMINATING, EndReason.LIFETIME);
    await eventually(async () => (await world.get(host)).status === 410);
    const closed = once(client, 'close');
    await world.ended(id, BackendState.TERMINATED, EndReason.LIFETIME);
    await closed;
    await eventually(() => upstreamClosed);
    await eventually(async () => (await world.settle(id)).open === 0);
  });

  it('leaves a session alone whose route merely is not known any more', async () => {
    const { host } = await world.backend(red);
    const socket = await openWebSocket(world, host);
    await world.forget(host.split('.')[0] ?? '');
    await eventually(async () => (await world.get(host)).status === 404);
    expect((await say(socket, 'ok')).toString()).toBe('echo: ok');
    socket.close();
  });

  it('does not wait for ever for the second of the two closes', async () => {
    let left: Socket | undefined;
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      left = socket;
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
      );
    });
    await using upstream = await serve(server);
    const { id, host } = world.name();
    await world.ready(id, upstream.port);
    const client = await eventually(async () => {
      const socket = connect({ port: world.port, host: '127.0.0.1' });
      socket.on('error', () => {}).write(handshake(host));
      const [head] = await once(socket, 'data');
      return String(head).startsWith('HTTP/1.1 101') && socket;
    });
    (client as Socket).destroy();
    expect((await world.settle(id)).open).toBe(1);
    await eventually(async () => (await world.settle(id)).open === 0);
    expect(left?.readyState).not.toBe('open');
  });
});
