import { once } from 'node:events';
import {
  Agent,
  createServer as createHttpServer,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http';
import { connect } from 'node:net';
import {
  eventually,
  expectComplaint,
  freePort,
  request,
  startProgram,
  startUpstream,
} from '@spawner/testkit';
import { WebSocket } from 'ws';
import { type ProxyWorld, serve, startProxyWorld } from './proxy-fixture.ts';

async function backend(world: ProxyWorld, upstream: { port: number }): Promise<string> {
  const { id, host } = world.name();
  await world.ready(id, upstream.port);
  await eventually(async () => (await request({ port: world.port, host })).status === 200);
  return host;
}

const listens = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

describe('a proxy that is asked to stop', () => {
  it('accepts no connection, lets exchanges end, closes WebSockets with 1001 and answers held requests', async () => {
    await using world = await startProxyWorld({ SPAWNER_PROXY_DRAIN_MS: '8000' });
    await using upstream = await startUpstream();
    const host = await backend(world, upstream);
    const socket = new WebSocket(`ws://127.0.0.1:${world.port}`, { headers: { host } });
    await once(socket, 'open');
    const closed = once(socket, 'close');
    const starting = world.name();
    await world.starting(starting.id);
    await eventually(
      async () =>
        (await request({ port: world.port, host: starting.host, headers: { prefer: 'wait=0' } })).status ===
        503,
    );
    const held = request({ port: world.port, host: starting.host });
    const slow = request({ port: world.port, host, path: '/slow?ms=3000' });
    // Both are on their way before the signal.
    await eventually(() => upstream.seen.includes('GET /slow?ms=3000'));
    await eventually(async () => (await world.ask(starting.id, 0)).held === 1);
    const exited = world.proxy.stop();
    expect((await closed)[0]).toBe(1001);
    expect((await held).status).toBe(503);
    await eventually(async () => !(await listens(world.port)));
    expect(await slow).toMatchObject({ status: 200, body: 'Hello World!', headers: { connection: 'close' } });
    expect(await exited).toEqual({ code: 0, signal: null });
  });

  it('answers what it holds, also where nothing else is open', async () => {
    await using world = await startProxyWorld();
    const { id, host } = await world.startingBackend();
    const held = world.get(host);
    await eventually(async () => (await world.settle(id)).open === 1);
    const exited = world.proxy.stop();
    expect(await held).toMatchObject({ status: 503, headers: { 'retry-after': '1', connection: 'close' } });
    expect(await exited).toEqual({ code: 0, signal: null });
  });

  it('cuts what has not ended within its time', async () => {
    await using world = await startProxyWorld({ SPAWNER_PROXY_DRAIN_MS: '2000' });
    await using upstream = await startUpstream();
    const host = await backend(world, upstream);
    const outgoing = httpRequest({
      port: world.port,
      host: '127.0.0.1',
      path: '/sse',
      headers: { host },
      agent: false,
    });
    const [events] = (await once(outgoing.end(), 'response')) as [IncomingMessage];
    events.on('error', () => {}).resume();
    const cut = new Promise((resolve) => events.once('close', resolve));
    const from = performance.now();
    const exit = await world.proxy.stop();
    await cut;
    expect(exit.code).toBe(0);
    expect(performance.now() - from).toBeLessThan(15_000);
  });
});

describe('a proxy that starts', () => {
  it('listens only when it has registered and read the routes, and says what it waits for', async () => {
    const [port, adminPort] = [await freePort(), await freePort()];
    const nowhere = await freePort();
    await using program = await startProgram({
      command: process.execPath,
      args: ['services/proxy/src/main.ts'],
      env: {
        SPAWNER_REDIS_URL: `redis://127.0.0.1:${nowhere}`,
        SPAWNER_NATS_URL: `nats://127.0.0.1:${nowhere}`,
        SPAWNER_SCHEDULER_ADDRESS: `127.0.0.1:${nowhere}`,
        SPAWNER_PROXY_HTTP_PORT: String(port),
        SPAWNER_PROXY_ADMIN_PORT: String(adminPort),
      },
      ready: (line) => line.includes('waiting for Redis'),
    });
    const answer = await eventually(() => request({ port: adminPort, path: '/readyz' }));
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.body).waiting_for).toEqual([
      'Redis',
      'NATS',
      'the scheduler to register with',
      'the routes',
    ]);
    expect(await listens(port)).toBe(false);
    expect((await program.stop()).code).toBe(0);
  });

  it('asks a service for its public address, and refuses an answer that is none', async () => {
    const answers = ['who knows', '300.1.2.3', '21.22.23.24\n'];
    let asked = 0;
    await using api = await serve(createHttpServer((_req, res) => res.end(answers[asked++])));
    await using world = await startProxyWorld({
      SPAWNER_PROXY_PUBLIC_ADDRESSES: '',
      SPAWNER_PROXY_PUBLIC_ADDRESS_API: `http://127.0.0.1:${api.port}/`,
    });
    expect(asked).toBe(3);
    expect(world.registered[0]?.publicAddresses).toEqual(['21.22.23.24']);
  });

  it('says every mistake in its configuration at once', async () => {
    expectComplaint(/proxy: configuration: /);
    const starting = startProgram({
      command: process.execPath,
      args: ['services/proxy/src/main.ts'],
      env: {
        SPAWNER_PROXY_ID: 'Not A Name',
        SPAWNER_PROXY_TRUSTED_ADDRESSES: '10.0.0.0/33',
        SPAWNER_PROXY_PUBLIC_ADDRESSES: 'example.org',
        SPAWNER_PROXY_HOLD_TIMEOUT: '5',
      },
      ready: () => false,
    });
    await expect(starting).rejects.toThrow(
      /SPAWNER_PROXY_ID[\s\S]*PUBLIC_ADDRESSES[\s\S]*TRUSTED_ADDRESSES[\s\S]*HOLD_TIMEOUT is not known/,
    );
  });
});

describe('a proxy without its Redis', () => {
  it('serves what it knows, and follows again when Redis is back', async () => {
    await using world = await startProxyWorld();
    await using upstream = await startUpstream();
    const host = await backend(world, upstream);
    const ok = async () => (await request({ port: world.port, host })).status === 200;
    await world.redis.stop();
    await eventually(() => world.proxy.output().includes('Redis is away'));
    expect(await ok()).toBe(true);
    await world.redis.start();
    const fresh = world.name();
    await eventually(() => world.ready(fresh.id, upstream.port));
    await eventually(async () => (await request({ port: world.port, host: fresh.host })).status === 200);
  });
});

describe('connections to backends', () => {
  it('are kept and used again, by one backend alone', async () => {
    await using world = await startProxyWorld();
    let connections = 0;
    const server = createHttpServer((_req, res) => res.end('ok'));
    server.on('connection', () => {
      connections += 1;
    });
    await using upstream = await serve(server);
    const [a, b] = [await backend(world, upstream), await backend(world, upstream)];
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const get = (host: string) =>
      new Promise<void>((resolve, reject) => {
        const options = { port: world.port, host: '127.0.0.1', headers: { host }, agent };
        httpRequest(options, (answer) => answer.resume().once('end', resolve))
          .on('error', reject)
          .end();
      });
    for (const host of [a, b]) await get(host);
    const before = connections;
    for (let turn = 0; turn < 10; turn++) for (const host of [a, b]) await get(host);
    expect(connections).toBe(before);
    expect(before).toBeGreaterThanOrEqual(2);
    agent.destroy();
  });

  it('are limited by time while they are being made', async () => {
    await using world = await startProxyWorld({ SPAWNER_PROXY_CONNECT_TIMEOUT_MS: '300' });
    const { id, host } = world.name();
    // TEST-NET-1: no host answers there, or the network refuses immediately.
    await world.route(id, { state: 2, backendState: 50, local: { host: '192.0.2.1', port: 9 } });
    const answer = await eventually(async () => {
      const from = performance.now();
      const now = await request({ port: world.port, host });
      return now.status === 502 && performance.now() - from;
    });
    // Without the limit it would be the kernel's two minutes.
    expect(answer).toBeLessThan(15_000);
  });
});
