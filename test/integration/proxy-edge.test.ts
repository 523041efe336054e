import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect, createServer } from 'node:net';
import { SUBJECTS } from '@spawner/bus';
import { RouteState } from '@spawner/proto/internal/route';
import type { ActivityReport } from '@spawner/proto/internal/telemetry';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { droneRow } from '@spawner/store';
import { eventually, freePort, rawHttp, startUpstream, type Upstream } from '@spawner/testkit';
import { DRONE, type ProxyWorld, serve, startProxyWorld } from './proxy-fixture.ts';

const HOLD_MS = 5_000;

let world: ProxyWorld;
let red: Upstream;
let blue: Upstream;

beforeAll(async () => {
  world = await startProxyWorld({ SPAWNER_PROXY_HOLD_TIMEOUT_MS: String(HOLD_MS) });
  red = await startUpstream({ hello: 'Hello World!' });
  blue = await startUpstream({ hello: 'I am blue' });
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await red?.stop();
  await blue?.stop();
});

describe('a backend that is not ready', () => {
  it('holds requests until it is, and mixes none up', async () => {
    const [a, b] = [world.name(), world.name()];
    await world.starting(a.id);
    await world.starting(b.id);
    await eventually(async () => (await world.get(b.host, '/', { prefer: 'wait=0' })).status === 503);
    const held = [world.get(a.host), world.get(b.host)];
    await eventually(async () => (await world.settle(a.id)).open + (await world.settle(b.id)).open === 2);
    await world.ready(a.id, red.port);
    await world.ready(b.id, blue.port);
    expect((await Promise.all(held)).map(({ body }) => body)).toEqual(['Hello World!', 'I am blue']);
  });

  it('answers 410 to a held request whose backend ends', async () => {
    const { id, host } = await world.startingBackend();
    const held = world.get(host);
    await eventually(async () => (await world.settle(id)).open === 1);
    await world.ended(id, BackendState.TERMINATED, EndReason.LOAD_ERROR);
    expect(await held).toMatchObject({ status: 410 });
    expect(JSON.parse((await held).body)).toMatchObject({ code: 'GONE', reason: 'LOAD_ERROR' });
  });

  it('gives a program 503 and Retry-After at the hold timeout', async () => {
    const { host } = await world.startingBackend();
    const from = performance.now();
    const answer = await world.get(host);
    expect(performance.now() - from).toBeGreaterThan(HOLD_MS - 100);
    expect(answer).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1', 'x-spawner-state': 'STARTING' },
    });
  });

  it('tells its place in the queue, to programs and to pages that follow it', async () => {
    const { id, host } = world.name();
    await world.route(id, { state: RouteState.PENDING, backendState: BackendState.LOADING });
    const told = (...waiting: { id: string; expectedWaitMs?: number }[]) =>
      world.bus.publish(SUBJECTS.droneQueue, DRONE, {
        droneId: DRONE,
        cluster: 'local',
        waiting,
        pulling: [],
      });
    const impatient = () => world.get(host, '/', { prefer: 'wait=0' });
    await eventually(async () => {
      told({ id: world.name().id }, { id, expectedWaitMs: 7_500 });
      expect(await impatient()).toMatchObject({
        status: 503,
        headers: { 'retry-after': '8', 'x-spawner-state': 'LOADING', 'x-spawner-queue-position': '2' },
      });
    });
    const page = await world.get(host, '/', { accept: 'text/html,*/*', 'sec-fetch-mode': 'navigate' });
    expect(page.body).toMatch(/Number 2 in the queue\. About \d s are left\./);
    const events = httpRequest({
      ...{ host: '127.0.0.1', port: world.port, path: '/.spawner/events', agent: false },
      headers: { host, accept: 'text/event-stream' },
    });
    events.end();
    const [stream] = await once(events, 'response');
    let text = '';
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    await eventually(() => {
      told({ id, expectedWaitMs: 900 });
      expect(text).toContain('event: queue\ndata: Number 1 in the queue. About 1 s are left.\n\n');
    });
    told();
    await eventually(async () => {
      expect((await impatient()).headers['x-spawner-queue-position']).toBeUndefined();
    });
    await world.starting(id);
    await eventually(() => expect(text).toMatch(/event: state\ndata: STARTING\n\n$/));
    events.destroy();
  });

  it('gives a browser a page that waits in its place after a second, and frees the place of one that leaves', async () => {
    const { id, host } = await world.startingBackend();
    const page = await world.get(host, '/', { accept: 'text/html,*/*', 'sec-fetch-mode': 'navigate' });
    expect(page.status).toBe(503);
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
    });
    expect(page.body).toContain('Its program is being started.');
    const gone = httpRequest({ host: '127.0.0.1', port: world.port, headers: { host }, agent: false });
    gone.on('error', () => {});
    gone.end();
    await eventually(async () => (await world.settle(id)).open === 1);
    gone.destroy();
    // Long before it would have been answered.
    await eventually(async () => (await world.settle(id)).open === 0, { timeoutMs: HOLD_MS / 2 });
  });
});

describe('a backend that fails', () => {
  it('answers 502 when nothing listens, tells the agent to look, and counts no activity', async () => {
    const looked: string[] = [];
    const hearing = world.bus.subscribe(SUBJECTS.backendLook, undefined, ({ id }) => looked.push(id));
    const port = await freePort();
    const { id, host } = world.name();
    await world.ready(id, port);
    await eventually(async () => (await world.get(host)).status === 502);
    // The bus may lose a hint, so the proxy repeats it while requests fail.
    await eventually(async () => {
      await world.get(host);
      return looked.includes(id);
    });
    const never = await world.settle('a'.repeat(26));
    const { open, ageMs } = await world.settle(id);
    expect(open).toBe(0);
    expect(ageMs).toBeGreaterThanOrEqual(never.ageMs);
    expect((await world.get(host, '/', { accept: 'text/html' })).headers['content-type']).toContain(
      'text/html',
    );
    hearing.close();
  });

  it('answers 503 instead, to come again, while its drone is silent; what answers is served all the same', async () => {
    const { id, host } = world.name();
    await world.ready(id, await freePort());
    const well = (await world.backend(red)).host;
    await eventually(async () => (await world.get(host)).status === 502);
    await world.row({ kind: 'silentDrone', droneId: DRONE, epoch: 0 });
    await eventually(async () => (await world.get(host)).status === 503);
    const program = await world.get(host);
    expect([program.headers['retry-after'], JSON.parse(program.body).code]).toEqual(['1', 'UNAVAILABLE']);
    const browser = await world.get(host, '/', { accept: 'text/html' });
    expect([browser.status, browser.headers['retry-after']]).toEqual([503, '1']);
    expect(browser.body).toContain('Your session cannot be reached');
    expect(browser.body).toContain('http-equiv="refresh"');
    const key = randomBytes(16).toString('base64');
    const handshake = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`;
    const opening = `${handshake}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`;
    expect(await rawHttp(world.port, opening)).toMatch(/^HTTP\/1\.1 503 .*\r\nRetry-After: 1\r\n/is);
    expect((await world.get(well)).status).toBe(200);
    await world.forget(droneRow(DRONE));
    await eventually(async () => (await world.get(host)).status === 502);
  });

  it('answers 502 to a request that it may have done, also while its drone is silent', async () => {
    await using server = await serve(createServer((socket) => socket.once('data', () => socket.destroy())));
    await world.row({ kind: 'silentDrone', droneId: DRONE, epoch: 0 });
    const { host } = await world.backend(server);
    const { host: nobody, id } = world.name();
    await world.ready(id, await freePort());
    await eventually(async () => (await world.get(nobody)).status === 503);
    expect((await world.get(host)).status).toBe(502);
    await world.forget(droneRow(DRONE));
  });

  it.each([
    ['nonsense', 'this is not HTTP\r\n\r\n'],
    [
      'an unrequested protocol switch',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
    ],
    ['a status below 100', 'HTTP/1.1 099 Odd\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'],
    ['nothing at all', ''],
  ])('answers 502 to %s, and continues to serve', async (_what, bytes) => {
    await using server = await serve(
      createServer((socket) => {
        socket.once('data', () => socket.end(bytes));
      }),
    );
    const { host } = await world.backend(server);
    expect((await world.get(host)).status).toBe(502);
    expect((await world.get((await world.backend(red)).host)).status).toBe(200);
  });

  it('survives a reason phrase that may not be repeated', async () => {
    await using server = await serve(
      createServer((socket) => {
        socket.once('data', () => socket.end('HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nok'));
      }),
    );
    const { host } = await world.backend(server);
    expect([200, 502]).toContain((await world.get(host)).status);
  });

  it.each([
    [BackendState.TERMINATING, EndReason.REQUESTED, 'This session is ending.', 'REQUESTED'],
    [BackendState.TERMINATED, EndReason.IDLE, 'This session has ended.', 'IDLE'],
  ])('answers 410 in state %i, and says what it is and why', async (state, reason, message, name) => {
    const { id, host } = await world.backend(red);
    await world.ended(id, state, reason);
    const answer = await eventually(async () => {
      const now = await world.get(host);
      return now.status === 410 && now;
    });
    expect(JSON.parse((answer as { body: string }).body)).toEqual({ code: 'GONE', message, reason: name });
  });
});

describe('activity', () => {
  /** The drone's view from the reports: when the backend was last active, by our clock. */
  function listen(id: string) {
    const heard: { open: number; lastActive: number }[] = [];
    const take = ({ backends, registration, proxyId }: ActivityReport) => {
      const found = backends.find((backend) => backend.id === id);
      expect({ registration, proxyId }).toEqual({ registration: 42, proxyId: 'proxy-1' });
      if (found) heard.push({ open: found.open, lastActive: performance.now() - found.ageMs });
    };
    const hearing = world.bus.subscribe(SUBJECTS.activity, DRONE, take);
    return { heard, last: () => heard.at(-1), stop: () => hearing.close() };
  }

  it('P6: is reported after a request, and does not rise while there is none', async () => {
    const { id, host } = await world.backend(red);
    const reports = listen(id);
    const askedFrom = performance.now();
    await world.get(host);
    const askedAt = performance.now();
    // Reported three times, once a second, about the same moment; then silence. A late report seems younger.
    await eventually(async () => (await world.settle(id)).ageMs > 3_200);
    await eventually(() => reports.heard.length >= 3);
    const silent = reports.heard.length;
    expect(reports.last()?.lastActive).toBeGreaterThan(askedFrom - 100);
    expect(reports.last()?.lastActive).toBeLessThan(askedAt + 1_000);
    await world.get(host);
    await eventually(
      () => reports.heard.length > silent && (reports.last()?.lastActive ?? 0) > askedAt + 2_000,
    );
    reports.stop();
  });

  it.each([
    ['a slow download', '/download?bytes=20000&ms=4000'],
    ['server-sent events', '/sse?ms=300&count=14'],
    ['a long poll', '/slow?ms=4000'],
  ])('counts %s as open for its whole length', async (_what, path) => {
    const { id, host } = await world.backend(red);
    const idle = await world.backend(blue);
    const reports = listen(id);
    const exchange = world.get(host, path);
    await eventually(() => reports.heard.filter(({ open }) => open === 1).length >= 2);
    expect(await world.settle(id)).toEqual({ id, open: 1, ageMs: 0 });
    expect((await world.settle(idle.id)).open).toBe(0);
    expect((await exchange).status).toBe(200);
    const after = await world.settle(id);
    expect(after.open).toBe(0);
    expect(after.ageMs).toBeLessThan(2_000);
    reports.stop();
  });
});

describe('a request whose body is malformed', () => {
  const BAD = 'no size\r\n';
  const headFor = (host: string) => `POST / HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n`;

  /** The statuses of all answers to these pieces, each of which is sent after an answer to the one before. */
  async function answersTo(pieces: readonly string[]): Promise<number[]> {
    const socket = connect({ port: world.port, host: '127.0.0.1' });
    const closed = once(socket, 'close');
    let received = '';
    socket.on('data', (bytes) => {
      received += bytes;
    });
    const statuses = () => [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
    for (const [at, piece] of pieces.entries()) {
      socket.write(piece);
      await eventually(() => statuses().length > at || socket.closed);
    }
    await closed;
    return statuses();
  }

  const refused: [status: number, host: () => Promise<string>][] = [
    [404, async () => world.name().host],
    [
      410,
      async () => {
        const { id, host } = world.name();
        await world.ended(id, BackendState.TERMINATED, EndReason.LOAD_ERROR);
        await eventually(async () => (await world.get(host)).status === 410);
        return host;
      },
    ],
  ];
  it.each(refused)('gets %d for its head and no other answer', async (status, host) => {
    const head = headFor(await host());
    expect(await answersTo([head, `${BAD}${head}`])).toEqual([status]);
    expect(await answersTo([`${head}${BAD}`])).toEqual([status]);
  });

  it('gets 400 if its backend would serve it, after the answers to what came before', async () => {
    const { host } = await world.backend(red);
    expect(await answersTo([`${headFor(host)}${BAD}`])).toEqual([400]);
    expect(await answersTo([`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`, `${headFor(host)}${BAD}`])).toEqual([
      200, 400,
    ]);
  });

  it('is held like a sound one, and gets 400 when its backend is ready', async () => {
    const { id, host } = await world.startingBackend();
    const answers = answersTo([`${headFor(host)}${BAD}`]);
    await eventually(async () => (await world.settle(id)).open === 1);
    await world.ready(id, red.port);
    expect(await answers).toEqual([400]);
    await eventually(async () => (await world.settle(id)).open === 0);
  });

  it('frees its place in the hold queue when its client leaves', async () => {
    const { id, host } = await world.startingBackend();
    const socket = connect({ port: world.port, host: '127.0.0.1' });
    socket.write(headFor(host));
    await eventually(async () => (await world.settle(id)).open === 1);
    socket.end();
    await eventually(async () => (await world.settle(id)).open === 0, { timeoutMs: HOLD_MS / 2 });
  });
});
