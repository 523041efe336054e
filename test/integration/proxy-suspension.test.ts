import { readFileSync } from 'node:fs';
import { Agent, createServer as createHttpServer, request as httpRequest } from 'node:http';
import { RouteState } from '@spawner/proto/internal/route';
import { SettleOutcome } from '@spawner/proto/internal/scheduler_service';
import { BackendState } from '@spawner/proto/v1/backend';
import { eventually, startUpstream, type Upstream } from '@spawner/testkit';
import { type ProxyWorld, serve, startProxyWorld } from './proxy-fixture.ts';
import { openWebSocket } from './proxy-websocket-client.ts';

const { OPEN, ENDED } = SettleOutcome;

describe('an end for idleness at the edge', () => {
  let world: ProxyWorld;
  let upstream: Upstream;
  beforeAll(async () => {
    world = await startProxyWorld();
    upstream = await startUpstream();
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await upstream?.stop();
  });
  beforeEach(() => {
    world.settling.asked = [];
    world.settling.answer = async () => OPEN;
  });

  const suspend = async (id: string, port = upstream.port) => {
    const local = { host: '127.0.0.1', port };
    await world.route(id, { state: RouteState.SUSPENDED, backendState: BackendState.READY, local });
    return world.epoch();
  };

  it('holds requests and WebSockets while a route is suspended, takes it back once, and serves them all', async () => {
    const { id, host } = await world.backend(upstream);
    const epoch = await suspend(id);
    // A request that does not wait shows that the suspension has arrived.
    await eventually(async () => (await world.get(host, '/', { prefer: 'wait=0' })).status === 503);
    const seen = upstream.seen.length;
    const held = [world.get(host, '/status/201'), world.get(host, '/status/202')];
    const socket = openWebSocket(world, host);
    await eventually(async () => (await world.ask(id, 0)).held === 3);
    expect(world.settling.asked).toEqual([{ backendId: id, epoch, end: false }]);
    expect(upstream.seen.length).toBe(seen);
    await world.ready(id, upstream.port);
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([201, 202]);
    (await socket).close();
    expect(world.settling.asked).toHaveLength(1);
  });

  it('tells that a session is over as soon as the store says so', async () => {
    const { id, host } = await world.backend(upstream);
    world.settling.answer = async () => ENDED;
    await suspend(id);
    await eventually(async () => {
      const { status, body } = await world.get(host);
      expect([status, status === 410 && JSON.parse(body).reason]).toEqual([410, 'IDLE']);
    });
  });

  it('holds from the question on, before its routes tell of the suspension, and of no other backend', async () => {
    const [asked, other] = [await world.backend(upstream), await world.backend(upstream)];
    const answer = Promise.withResolvers<SettleOutcome>();
    world.settling.answer = () => answer.promise;
    const epoch = world.epoch() + 1;
    const reply = await world.ask(asked.id, epoch);
    expect(reply).toMatchObject({ activity: { id: asked.id, open: 0 }, held: 0 });
    const held = world.get(asked.host, '/status/203');
    await eventually(async () => (await world.ask(asked.id, epoch)).held === 1);
    expect(upstream.seen).not.toContain('GET /status/203');
    expect((await world.get(other.host)).status).toBe(200);
    expect(world.settling.asked).toEqual([{ backendId: asked.id, epoch, end: false }]);
    answer.resolve(OPEN);
    expect((await held).status).toBe(203);
  });

  it('calls open what came before the question, to its last byte', async () => {
    const { id, host } = await world.backend(upstream);
    const slow = world.get(host, '/slow?ms=3000');
    await eventually(() => upstream.seen.includes('GET /slow?ms=3000'));
    const epoch = world.epoch() + 1;
    expect(await world.ask(id, epoch)).toMatchObject({ activity: { open: 1, ageMs: 0 }, held: 0 });
    expect((await slow).status).toBe(200);
    await eventually(async () => (await world.ask(id, epoch)).activity?.open === 0);
  });

  it('closes the connections that it keeps to the backend, those under way when they are done', async () => {
    let connections = 0;
    const sockets = new Set<object>();
    const [slowCame, slowMayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const server = createHttpServer(async (req, res) => {
      if (req.url === '/slow') {
        slowCame.resolve();
        await slowMayEnd.promise;
      }
      res.end('ok');
    });
    // By itself it would close none for a while.
    server.keepAliveTimeout = 120_000;
    server.on('connection', (socket) => {
      connections += 1;
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    await using kept = await serve(server);
    const { id, host } = await world.backend(kept);
    const slow = world.get(host, '/slow');
    await slowCame.promise;
    await eventually(() => sockets.size === 1);
    expect((await world.get(host, '/quick')).status).toBe(200);
    expect(sockets.size).toBe(2);
    await world.ask(id, world.epoch() + 1);
    await eventually(() => sockets.size === 1);
    slowMayEnd.resolve();
    await slow;
    await eventually(() => sockets.size === 0);
    // Afterwards they are kept as before.
    await world.ready(id, kept.port);
    let before = -1;
    // The first request may still have been held, and then one of the two paths opens its first connection.
    await eventually(async () => {
      before = connections;
      return (await world.get(host)).status === 200 && connections === before;
    });
    for (let turn = 0; turn < 3; turn++) await world.get(host);
    expect(connections).toBe(before);
  });

  it('loses no request while routes are suspended and resumed as fast as possible', async () => {
    const { id, host } = await world.backend(upstream);
    world.settling.answer = async () => {
      await world.ready(id, upstream.port);
      return OPEN;
    };
    const over = new AbortController();
    const statuses: number[] = [];
    const asking = Array.from({ length: 5 }, async () => {
      while (!over.signal.aborted) statuses.push((await world.get(host)).status);
    });
    for (let turn = 0; turn < 50; turn++) {
      const epoch = await suspend(id);
      await eventually(() => world.settling.asked.some((asked) => asked.epoch === epoch), { everyMs: 1 });
      await eventually(() => world.epoch() > epoch, { everyMs: 1 });
    }
    over.abort();
    await Promise.all(asking);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(new Set(world.settling.asked.map(({ epoch }) => epoch)).size).toBe(world.settling.asked.length);
  });

  it('finds half-open peers: every side of its connections has keep-alive within 30 s', async () => {
    const { id, host } = await world.backend(upstream);
    const agent = new Agent({ keepAlive: true });
    const options = { port: world.port, host: '127.0.0.1', headers: { host }, agent };
    await new Promise((resolve, reject) => {
      httpRequest(options, (answer) => answer.resume().once('end', resolve))
        .on('error', reject)
        .end();
    });
    const socket = await openWebSocket(world, host);
    // Kept ones are gone, so that what is left to the backend is the WebSocket's.
    await world.ask(id, 0);
    await eventually(() => {
      const client = keepAliveTimers(({ local }) => local === world.port);
      const upgraded = keepAliveTimers(({ remote }) => remote === upstream.port);
      expect([client.length, upgraded.length]).toEqual([2, 1]);
      for (const seconds of [...client, ...upgraded]) {
        expect(seconds).toBeGreaterThan(0);
        expect(seconds).toBeLessThanOrEqual(30);
      }
    });
    socket.close();
    agent.destroy();
  });
});

/** Seconds until the next keep-alive probe of each established connection; 0 for one without (proc(5), field `tr`). */
function keepAliveTimers(wanted: (ports: { local: number; remote: number }) => boolean): number[] {
  const port = (address = '') => Number.parseInt(address.split(':')[1] ?? '', 16);
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, local, remote, state]) => state === '01' && wanted({ local: port(local), remote: port(remote) }),
    )
    .map(([, , , , , timer = '']) => {
      const [kind, when = '0'] = timer.split(':');
      return kind === '02' ? Number.parseInt(when, 16) / 100 : 0;
    });
}
