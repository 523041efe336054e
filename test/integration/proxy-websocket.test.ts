import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { SUBJECTS } from '@spawner/bus';
import type { ActivityReport } from '@spawner/proto/internal/telemetry';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { eventually, freePort, rawHttp, startUpstream, type Upstream } from '@spawner/testkit';
import { WebSocket } from 'ws';
import { TIMEOUTS } from '../../services/proxy/src/timeouts.ts';
import { DRONE, type ProxyWorld, serve, startProxyWorld } from './proxy-fixture.ts';
import { handshake, openWebSocket, say, switching } from './proxy-websocket-client.ts';

const HOLD_MS = 6_000;

let world: ProxyWorld;
let red: Upstream;
let blue: Upstream;

beforeAll(async () => {
  world = await startProxyWorld({ SPAWNER_PROXY_HOLD_TIMEOUT_MS: String(HOLD_MS) });
  red = await startUpstream();
  blue = await startUpstream();
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await red?.stop();
  await blue?.stop();
});

const wholeHead = (text: string) => text.includes('\r\n\r\n');

describe('WebSockets', () => {
  it('P5: carry messages both ways, each to its own backend', async () => {
    const [a, b] = [await world.backend(red), await world.backend(blue)];
    const [one, two] = [await openWebSocket(world, a.host), await openWebSocket(world, b.host)];
    expect((await say(one, 'ok')).toString()).toBe('echo: ok');
    expect((await say(two, 'ok2')).toString()).toBe('echo: ok2');
    expect((await world.settle(a.id)).open).toBe(1);
    expect((await world.settle(b.id)).open).toBe(1);
    one.close();
    await eventually(async () => (await world.settle(a.id)).open === 0);
    expect((await world.settle(b.id)).open).toBe(1);
    expect((await say(two, 'still here')).toString()).toBe('echo: still here');
    two.close();
  });

  it('carry a megabyte unharmed', async () => {
    const { host } = await world.backend(red);
    const socket = await openWebSocket(world, host);
    const data = randomBytes(1 << 20);
    expect((await say(socket, data)).equals(Buffer.concat([Buffer.from('echo: '), data]))).toBe(true);
    socket.close();
  });

  it('pass the close code of the backend on', async () => {
    const { host } = await world.backend(red);
    const socket = await openWebSocket(world, host);
    socket.send('close 4321');
    expect((await once(socket, 'close'))[0]).toBe(4321);
  });

  it.each(['keep-alive, Upgrade', 'upgrade', 'Upgrade , keep-alive'])(
    'open with `Connection: %s`',
    async (connection) => {
      const { host } = await world.backend(red);
      const answer = await rawHttp(world.port, handshake(host, connection), { until: wholeHead });
      expect(answer).toMatch(/^HTTP\/1\.1 101 /);
      expect(answer).toMatch(/sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/i);
    },
  );

  it('show the backend the same headers as requests do', async () => {
    let seen: Record<string, unknown> = {};
    const server = createHttpServer((_req, res) => res.end());
    server.on('upgrade', (req, socket) => {
      seen = req.headers;
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
    });
    await using upstream = await serve(server);
    const { id, host } = await world.backend(upstream);
    const spoofed = handshake(host).replace(
      '\r\n\r\n',
      '\r\nX-Forwarded-For: 6.6.6.6\r\nX-Spawner-User: admin\r\n\r\n',
    );
    await rawHttp(world.port, spoofed);
    expect(seen).toMatchObject({
      host,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'x-forwarded-for': '127.0.0.1',
      'x-spawner-backend': id,
    });
    expect(seen).not.toHaveProperty('x-spawner-user');
  });

  it.each([
    ['with a length', 'Content-Length: 9\r\n\r\nnot today'],
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n4\r\nnot \r\n5\r\ntoday\r\n0\r\n\r\n'],
  ])('come back whole when refused %s', async (_what, rest) => {
    const server = createHttpServer((_req, res) => res.end());
    server.on('upgrade', (_req, socket) =>
      socket.end(
        `HTTP/1.1 418 Teapot\r\nX-Why: because\r\nSet-Cookie: wide=1; Domain=mydomain.test\r\n${rest}`,
      ),
    );
    await using upstream = await serve(server);
    const { id, host } = await world.backend(upstream);
    const socket = new WebSocket(`ws://127.0.0.1:${world.port}/`, { headers: { host } });
    socket.on('error', () => {});
    const [, answer] = await once(socket, 'unexpected-response');
    expect(answer).toMatchObject({ statusCode: 418, headers: { 'x-why': 'because' } });
    expect(answer.headers).not.toHaveProperty('set-cookie');
    let body = '';
    answer.on('data', (chunk: Buffer) => {
      body += chunk;
    });
    await once(answer, 'end');
    expect(body).toBe('not today');
    await eventually(async () => (await world.settle(id)).open === 0);
  });

  it('count for nothing once they were refused, also where the client has spoken early and leaves or stays', async () => {
    const server = createHttpServer((_req, res) => res.end());
    server.on('upgrade', (_req, socket) => socket.end('HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n'));
    await using refusing = await serve(server);
    const nowhere = world.name();
    await world.ready(nowhere.id, await freePort());
    await eventually(async () => (await world.get(nowhere.host)).status === 502);
    for (const { id, host } of [await world.backend(refusing), nowhere])
      for (const leaves of [true, false]) {
        const client = connect({ port: world.port, host: '127.0.0.1', allowHalfOpen: true });
        client.on('error', () => {}).write(`${handshake(host)}early`);
        const [answer] = await once(client, 'data');
        expect(String(answer)).toMatch(/^HTTP\/1\.1 (?:403|502) /);
        if (leaves) client.destroy();
        await eventually(async () => (await world.settle(id)).open === 0, { timeoutMs: 8_000 });
        client.destroy();
      }
  });

  it('are given up when the client leaves, even politely, before the backend has answered', async () => {
    const asked = Promise.withResolvers<Socket>();
    await using silent = await serve(
      createServer((socket) => socket.once('data', () => asked.resolve(socket))),
    );
    const { id, host } = world.name();
    await world.ready(id, silent.port);
    const client = connect({ port: world.port, host: '127.0.0.1' });
    client.on('error', () => {}).write(handshake(host));
    const backend = await asked.promise;
    const left = once(backend, 'close');
    client.end();
    await left;
    await eventually(async () => (await world.settle(id)).open === 0);
  });

  it('are over when they were refused, whatever the client had said early, and once it has left', async () => {
    const answer = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno';
    await using upstream = await serve(
      createServer((socket) => socket.on('data', () => socket.write(answer))),
    );
    const { id, host } = await world.backend(upstream);
    const client = connect(world.port, '127.0.0.1');
    client.write(`${handshake(host)}early`);
    const [said] = await once(client, 'data');
    expect(String(said)).toMatch(/^HTTP\/1\.1 403 /);
    client.destroy();
    await eventually(async () => (await world.settle(id)).open === 0);
  });

  it('P7: count as open without a message, and not after they closed', async () => {
    const { id, host } = await world.backend(red);
    const heard: { open: number; lastActive: number }[] = [];
    const hearing = world.bus.subscribe(SUBJECTS.activity, DRONE, ({ backends }: ActivityReport) => {
      const found = backends.find((one) => one.id === id);
      if (found) heard.push({ open: found.open, lastActive: performance.now() - found.ageMs });
    });
    const socket = await openWebSocket(world, host);
    await eventually(() => heard.filter((report) => report.open === 1).length >= 5);
    const whileOpen = heard.filter((report) => report.open === 1).map((report) => report.lastActive);
    expect((whileOpen.at(-1) ?? 0) - (whileOpen[0] ?? 0)).toBeGreaterThan(2_500);
    socket.close();
    await once(socket, 'close');
    const closedAt = performance.now();
    await eventually(() => heard.filter((report) => report.open === 0).length >= 2);
    for (const { lastActive } of heard.filter((report) => report.open === 0))
      expect(Math.abs(lastActive - closedAt)).toBeLessThan(1_000);
    hearing.close();
  });

  it('are over at once when either side breaks off', async () => {
    const sides: ((client: Socket, backend: Socket) => Socket)[] = [
      (client) => client,
      (_, backend) => backend,
    ];
    for (const side of sides) {
      const accepted = Promise.withResolvers<Socket>();
      await using upstream = await switching((socket) => {
        socket.on('error', () => {}).on('end', () => socket.end('last words'));
        accepted.resolve(socket.resume());
      });
      const { id, host } = await world.backend(upstream);
      const client = connect({ port: world.port, host: '127.0.0.1' });
      client.on('error', () => {});
      client.write(handshake(host));
      await once(client, 'data');
      expect((await world.settle(id)).open).toBe(1);
      side(client, await accepted.promise).resetAndDestroy();
      await eventually(async () => (await world.settle(id)).open === 0, {
        timeoutMs: TIMEOUTS.tunnelLinger / 2,
      });
      client.destroy();
    }
  });

  it('close when their backend goes away', async () => {
    const upstream = await startUpstream();
    const { id, host } = await world.backend(upstream);
    const socket = await openWebSocket(world, host);
    const closed = once(socket, 'close');
    await upstream.stop();
    expect((await closed)[0]).toBe(1006);
    await eventually(async () => (await world.settle(id)).open === 0);
  });
});

describe('a WebSocket handshake to a backend that is not ready', () => {
  it('is held until it is', async () => {
    const { id, host } = await world.startingBackend();
    const opening = openWebSocket(world, host);
    await eventually(async () => (await world.settle(id)).open === 1);
    await world.ready(id, red.port);
    const socket = await opening;
    expect((await say(socket, 'ok')).toString()).toBe('echo: ok');
    socket.close();
  });

  it('frees its place when the client leaves, even politely', async () => {
    const { id, host } = await world.startingBackend();
    const client = connect({ port: world.port, host: '127.0.0.1' });
    client.write(handshake(host));
    await eventually(async () => (await world.settle(id)).open === 1);
    client.end();
    await eventually(async () => (await world.settle(id)).open === 0, { timeoutMs: HOLD_MS / 2 });
  });

  it.each([404, 410, 502, 503])('is answered %i, whole, where there is nothing to open', async (status) => {
    const { id, host } = world.name();
    if (status === 410) await world.ended(id, BackendState.TERMINATED, EndReason.EXITED);
    if (status === 502) await world.ready(id, await freePort());
    if (status === 503) await world.starting(id);
    if (status !== 404)
      await eventually(async () => (await world.get(host, '/', { prefer: 'wait=0' })).status === status);
    const answer = await rawHttp(world.port, handshake(host));
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    const body = answer.slice(answer.indexOf('\r\n\r\n') + 4);
    expect(JSON.parse(body)).toMatchObject({ code: expect.any(String) });
  });
});
