/** The limits of one host and one address, and of silent connections. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { eventually, rawHttp, request, startUpstream, type Upstream } from '@spawner/testkit';
import { WebSocket } from 'ws';
import { type ProxyWorld, startProxyWorld } from './proxy-fixture.ts';

const PER_SECOND = 50;
const ASKED = 200;

let world: ProxyWorld;
let upstream: Upstream;

beforeAll(async () => {
  world = await startProxyWorld({
    SPAWNER_PROXY_CONNECTIONS_PER_HOST: '3',
    SPAWNER_PROXY_REQUESTS_PER_SECOND_PER_HOST: String(PER_SECOND),
    SPAWNER_PROXY_CONNECTIONS_PER_ADDRESS: '20',
    SPAWNER_PROXY_HEAD_TIMEOUT_MS: '4000',
    SPAWNER_PROXY_BODY_TIMEOUT_MS: '1500',
  });
  upstream = await startUpstream();
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await upstream?.stop();
});

const get = (host: string) => `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

/** A connection with one request answered. */
async function used(host: string): Promise<Socket> {
  const socket = connect({ port: world.port, host: '127.0.0.1' });
  socket.on('error', () => {});
  socket.write(get(host));
  await once(socket, 'data');
  return socket;
}

/** Whether this host answers to a new connection of its own. */
async function answers(host: string): Promise<number> {
  return (await world.get(host)).status;
}

/** A request from this loopback address: the first bytes of an answer, or none if the connection is closed immediately. */
async function from(localAddress: string, host: string): Promise<{ socket: Socket; text: string }> {
  const socket = connect({ port: world.port, host: '127.0.0.1', localAddress });
  socket.on('error', () => {});
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes;
  });
  socket.write(get(host));
  await eventually(() => socket.closed || text.includes('\r\n\r\n'));
  return { socket, text };
}

describe('the limits of the proxy', () => {
  it('answer 429 to a connection too many for its host, close it, and let another host be', async () => {
    const [red, blue] = [await world.backend(upstream), await world.backend(upstream)];
    await eventually(async () => (await answers(red.host)) === 200);
    const held = [await used(red.host), await used(red.host), await used(red.host)];
    const refused = await rawHttp(world.port, get(red.host));
    expect(refused).toMatch(/^HTTP\/1\.1 429 /);
    expect(refused).toMatch(/\r\nRetry-After: 1\r\n/i);
    expect(refused).toMatch(/\r\nConnection: close\r\n/i);
    expect(await answers(blue.host)).toBe(200);
    const webSocket = new WebSocket(`ws://127.0.0.1:${world.port}/`, { headers: { host: red.host } });
    webSocket.on('error', () => {});
    const [, answer] = await once(webSocket, 'unexpected-response');
    expect(answer.statusCode).toBe(429);
    // Its connections stay in use, and a free place is given to another one.
    held[0]?.write(get(red.host));
    await once(held[0] as Socket, 'data');
    held[1]?.destroy();
    await eventually(async () => (await answers(red.host)) === 200);
    for (const socket of held) socket.destroy();
  });

  it('answer 429 to more requests of one second than a host may have, on one connection too', async () => {
    const [red, blue] = [await world.backend(upstream), await world.backend(upstream)];
    const socket = await used(red.host);
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes;
    });
    const statuses = () => [...text.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status);
    // Again where the machine took so long for them that none was too many.
    await eventually(async () => {
      text = '';
      const since = performance.now();
      socket.write(get(red.host).repeat(ASKED));
      await eventually(() => statuses().length === ASKED);
      const seconds = (performance.now() - since) / 1_000;
      const good = statuses().filter((status) => status === '200').length;
      expect(statuses().filter((status) => status === '429')).toHaveLength(ASKED - good);
      expect(good).toBeLessThanOrEqual(Math.min(PER_SECOND * (Math.floor(seconds) + 2), ASKED - 1));
    });
    expect(await answers(blue.host)).toBe(200);
    socket.destroy();
    await eventually(async () => (await answers(red.host)) === 200);
  });

  it('close connections too many from one address at once, and no others', async () => {
    const { host } = await world.backend(upstream);
    const idle = Array.from({ length: 30 }, () =>
      connect({ port: world.port, host: '127.0.0.1', localAddress: '127.0.0.9' }).on('error', () => {}),
    );
    await eventually(() => idle.filter(({ destroyed }) => destroyed).length === 10);
    expect((await from('127.0.0.9', host)).text).toBe('');
    const other = await from('127.0.0.8', host);
    expect(other.text).toMatch(/^HTTP\/1\.1 200 /);
    for (const socket of [...idle, other.socket]) socket.destroy();
    await eventually(async () => {
      const { socket, text } = await from('127.0.0.9', host);
      socket.destroy();
      return text.startsWith('HTTP/1.1 200');
    });
    const metrics = await request({ port: world.adminPort, host: 'admin', path: '/metrics' });
    expect(metrics.body).toMatch(/refused_connections/);
  });

  it('end connections that say nothing, or send a head byte by byte, on either path, and stop', async () => {
    const heads = ['', 'GET / HTTP/1.1\r\nHost: a', 'GET / HTTP/1.1\r\nFoo : b\r\nHost: a'];
    const over = heads.map((head) => {
      const socket = connect({ port: world.port, host: '127.0.0.1', localAddress: '127.0.0.7' });
      socket.on('error', () => {}).resume();
      for (const byte of head) socket.write(byte);
      return once(socket, 'close');
    });
    await Promise.all(over);
  });

  it.each([
    ['with a length', 'Content-Length: 100'],
    ['in chunks', 'Transfer-Encoding: chunked'],
  ])('end an exchange whose body %s falls silent, and count it no more', async (_what, framing) => {
    const { id, host } = await world.backend(upstream);
    const head = `POST /echo HTTP/1.1\r\nHost: ${host}\r\n${framing}\r\n\r\n`;
    expect(await rawHttp(world.port, head)).toMatch(/^HTTP\/1\.1 408 /);
    await eventually(async () => (await world.settle(id)).open === 0);
  });

  it('leave a slow but steady upload and a quiet answer alone', async () => {
    const { host } = await world.backend(upstream);
    const socket = connect({ port: world.port, host: '127.0.0.1', localAddress: '127.0.0.6' });
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes;
    });
    socket.write(`POST /slow?ms=2500 HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 20\r\n\r\n`);
    for (let n = 0; n < 20; n++) {
      socket.write('x');
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    await eventually(() => text.includes('Hello World!'));
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    socket.destroy();
  });
});
