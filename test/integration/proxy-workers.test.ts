/** A proxy of four processes that accept from the same ports. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type SecureVersion } from 'node:tls';
import { SUBJECTS } from '@spawner/bus';
import {
  type Authority,
  eventually,
  freePort,
  makeAuthority,
  request,
  startProgram,
  startUpstream,
  type Upstream,
} from '@spawner/testkit';
import { WebSocket } from 'ws';
import { DOMAIN, type ProxyWorld, serve, startProxyWorld } from './proxy-fixture.ts';

jest.setTimeout(60_000);

const SLOTS = [1, 2, 3, 4];

let world: ProxyWorld;
let authority: Authority;
let upstream: Upstream;

const startWorld = (env: Record<string, string> = {}) =>
  startProxyWorld({ SPAWNER_PROXY_WORKERS: '4', ...env });

beforeAll(async () => {
  authority = await makeAuthority('workers');
  world = await startWorld({
    SPAWNER_PROXY_HTTPS: 'true',
    SPAWNER_PROXY_REDIRECT_TO_HTTPS: 'false',
    SPAWNER_PROXY_ACCESS_LOG: 'all',
  });
  upstream = await startUpstream();
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await Promise.all([upstream?.stop(), authority?.stop()]);
});

/** The pid of the process that has this slot now, as the supervisor's log tells. */
function pidOf({ proxy }: ProxyWorld, slot: number): number {
  const starts = proxy.lines.filter((line) => line.includes('"a worker was started"'));
  const pids = starts.map((line) => JSON.parse(line)).filter(({ worker }) => worker === slot);
  return pids.at(-1)?.pid ?? 0;
}

/** How much each worker says is open for this backend. */
const openOf = (id: string) =>
  Promise.all(
    SLOTS.map(async (slot) => {
      const reply = await world.bus.ask(SUBJECTS.settle, `proxy-1-${slot}`, { id, epoch: 0 }, 2_000);
      return reply.activity?.open ?? Number.NaN;
    }),
  );

const sum = (counts: readonly number[]) => counts.reduce((all, each) => all + each, 0);

/** Of each worker, how many requests it has forwarded. */
async function forwarded({ adminPort }: ProxyWorld): Promise<number[]> {
  const { body } = await request({ port: adminPort, host: 'admin', path: '/metrics' });
  return SLOTS.map((slot) => {
    const of = new RegExp(
      `^spawner_proxy_requests_total\\{worker="${slot}",outcome="forwarded".* (\\d+)$`,
      'gm',
    );
    return sum([...body.matchAll(of)].map(([, count]) => Number(count)));
  });
}

/** A connection that asks when it is told to. */
async function visitor(port: number, host: string) {
  const socket: Socket = connect({ port, host: '127.0.0.1' });
  let text = '';
  socket
    .on('error', () => {})
    .on('data', (bytes) => {
      text += bytes;
    });
  await once(socket, 'connect');
  const closed = new Promise<'closed'>((resolve) => socket.once('close', () => resolve('closed')));
  return {
    socket,
    /** The status of the next answer, or that there is none. */
    ask: async (path = '/') => {
      text = '';
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      const status = () => /^HTTP\/1\.1 (\d+) [\s\S]*\r\n\r\n/.exec(text)?.[1];
      return Promise.race([eventually(() => status() ?? false), closed.then((over) => status() ?? over)]);
    },
  };
}

const visitors = (count: number, port: number, host: string) =>
  Promise.all(Array.from({ length: count }, () => visitor(port, host)));

describe('a proxy of four workers', () => {
  it('is four proxies to the scheduler, with the same addresses', () => {
    const ids = world.registered.map(({ id }) => id);
    expect(ids.toSorted()).toEqual(SLOTS.map((slot) => `proxy-1-${slot}`));
    for (const node of world.registered) expect(node.publicAddresses).toEqual(['192.0.2.7']);
  });

  it('gives connections to all of them', async () => {
    const { host } = await world.backend(upstream);
    await eventually(
      async () => {
        const all = await visitors(60, world.port, host);
        expect(await Promise.all(all.map(({ ask }) => ask()))).toEqual(all.map(() => '200'));
        for (const { socket } of all) socket.destroy();
        return (await forwarded(world)).every((count) => count > 0);
      },
      { timeoutMs: 30_000 },
    );
  });

  it('has the access log of all of them, in whole lines', async () => {
    const count = sum(await forwarded(world));
    const written = () => world.proxy.lines.filter((line) => line.includes('"log":"access"'));
    await eventually(() => written().length >= count);
    const proxies = new Set(written().map((line) => JSON.parse(line).proxy));
    expect([...proxies].toSorted()).toEqual(SLOTS.map((slot) => `proxy-1-${slot}`));
  });

  it('tells an agent that asks each of them what is open, wherever it is', async () => {
    const { id, host } = await world.backend(upstream);
    const sockets = Array.from(
      { length: 20 },
      () => new WebSocket(`ws://127.0.0.1:${world.port}/`, { headers: { host } }),
    );
    await Promise.all(sockets.map((socket) => once(socket, 'open')));
    expect(sum(await openOf(id))).toBe(20);
    for (const socket of sockets) socket.close();
    await eventually(async () => sum(await openOf(id)) === 0);
  });

  it('resumes a TLS session at any of them', async () => {
    world.certify(await authority.issue([`*.${DOMAIN}`]));
    const { host } = await world.backend(upstream);
    const open = async (version: SecureVersion, session?: Buffer) => {
      const socket = connectTls({
        port: world.httpsPort,
        host: '127.0.0.1',
        servername: host,
        ca: authority.caPem,
        minVersion: version,
        maxVersion: version,
        session,
      });
      socket.on('error', () => {});
      const ticket = once(socket, 'session').then(([bytes]) => bytes as Buffer);
      socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      await once(socket, 'data');
      const reused = socket.isSessionReused();
      socket.destroy();
      return { ticket, reused };
    };
    const serves = () => open('TLSv1.3').then(() => true);
    for (let n = 0; n < 20; n++) await eventually(serves);
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const before = await forwarded(world);
      const session = await (await open(version)).ticket;
      const reused = async () => (await open(version, session)).reused;
      await eventually(async () => {
        expect(await Promise.all(Array.from({ length: 20 }, reused))).toEqual(new Array(20).fill(true));
        const now = await forwarded(world);
        return now.filter((count, at) => count > (before[at] ?? 0)).length >= 3;
      });
    }
  });

  it('loses nobody who waits to be accepted when one of them is killed', async () => {
    const { host } = await world.backend(upstream);
    const pids = SLOTS.map((slot) => pidOf(world, slot));
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    const waiting = await visitors(40, world.port, host);
    const answers = waiting.map(({ ask }) => ask());
    process.kill(pids[0]!, 'SIGKILL');
    for (const pid of pids.slice(1)) process.kill(pid, 'SIGCONT');
    expect(await Promise.all(answers)).toEqual(waiting.map(() => '200'));
    for (const { socket } of waiting) socket.destroy();
    await eventually(() => world.registered.filter(({ id }) => id === 'proxy-1-1').length === 2);
  });

  it('goes on when one of them is killed, but for what that one held, and has it back', async () => {
    const { id, host } = await world.backend(upstream);
    await eventually(async () => (await openOf(id)).every((open) => open === 0));
    const all = await visitors(60, world.port, host);
    const slow = all.map(({ ask }) => ask('/slow?ms=1500'));
    await eventually(async () => sum(await openOf(id)) === 60);
    const held = await openOf(id);
    const busiest = held.indexOf(Math.max(...held));
    const slot = SLOTS[busiest]!;
    const earlier = world.registered.length;
    process.kill(pidOf(world, slot), 'SIGKILL');
    // New ones find the others at once.
    for (let n = 0; n < 50; n++) {
      const fresh = await visitor(world.port, host);
      expect(await fresh.ask()).toBe('200');
      fresh.socket.destroy();
    }
    const answers = await Promise.all(slow);
    expect(answers.filter((answer) => answer === 'closed')).toHaveLength(held[busiest]!);
    expect(answers.filter((answer) => answer === '200')).toHaveLength(60 - held[busiest]!);
    expect((await request({ port: world.adminPort, path: '/readyz' })).status).toBe(200);
    for (const { socket } of all) socket.destroy();
    await eventually(() => world.registered.slice(earlier).some((node) => node.id === `proxy-1-${slot}`));
    // Back, it knows of nothing that is open, as any proxy that has just started.
    await eventually(async () => sum(await openOf(id)) === 0);
  });
});

describe('the limits of a proxy of four workers', () => {
  it('bound the whole: each has its share', async () => {
    await using limited = await startWorld({
      SPAWNER_PROXY_CONNECTIONS_PER_HOST: '10',
      SPAWNER_PROXY_REQUESTS_PER_SECOND_PER_HOST: '40',
    });
    const { host } = await limited.backend(upstream);
    const all = await visitors(60, limited.port, host);
    const answers = await Promise.all(all.map(({ ask }) => ask()));
    const good = all.filter((_, at) => answers[at] === '200');
    expect(answers.filter((answer) => answer === '429')).toHaveLength(60 - good.length);
    expect(good.length).toBeGreaterThan(0);
    expect(good.length).toBeLessThanOrEqual(10);
    // Of requests, each worker's seconds begin when they will.
    const from = performance.now();
    let served = 0;
    for (let n = 0; n < 20; n++)
      served += (await Promise.all(good.map(({ ask }) => ask()))).filter((status) => status === '200').length;
    const seconds = (performance.now() - from) / 1_000;
    expect(served).toBeLessThanOrEqual(40 * (Math.floor(seconds) + 2));
    for (const { socket } of all) socket.destroy();
  });
});

describe('a proxy of four workers that is told to stop', () => {
  it('lets the exchanges of all of them end, and ends with them', async () => {
    await using ending = await startWorld({ SPAWNER_PROXY_DRAIN_MS: '8000' });
    const { host } = await ending.backend(upstream);
    const socket = new WebSocket(`ws://127.0.0.1:${ending.port}`, { headers: { host } });
    await once(socket, 'open');
    const closed = once(socket, 'close');
    const all = await visitors(20, ending.port, host);
    const seen = upstream.seen.length;
    const answers = all.map(({ ask }) => ask('/slow?ms=1500'));
    await eventually(() => upstream.seen.length === seen + 20);
    const from = performance.now();
    const exited = ending.proxy.stop();
    expect((await closed)[0]).toBe(1001);
    expect(await Promise.all(answers)).toEqual(all.map(() => '200'));
    expect(await exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - from).toBeLessThan(8_000);
  });

  it('cuts what has not ended within its time', async () => {
    await using ending = await startWorld({ SPAWNER_PROXY_DRAIN_MS: '3000' });
    const { host } = await ending.backend(upstream);
    const endless = await visitor(ending.port, host);
    expect(await endless.ask('/sse')).toBe('200');
    const over = once(endless.socket, 'close');
    const from = performance.now();
    expect((await ending.proxy.stop()).code).toBe(0);
    await over;
    expect(performance.now() - from).toBeLessThan(4_500);
  });

  it('drains too when its supervisor is killed: no worker stays', async () => {
    await using ending = await startWorld({ SPAWNER_PROXY_DRAIN_MS: '8000' });
    const { host } = await ending.backend(upstream);
    const all = await visitors(20, ending.port, host);
    const seen = upstream.seen.length;
    const answers = all.map(({ ask }) => ask('/slow?ms=1500'));
    await eventually(() => upstream.seen.length === seen + 20);
    // Its output ends when no worker has it open any more.
    const gone = ending.proxy.kill();
    expect(await Promise.all(answers)).toEqual(all.map(() => '200'));
    expect((await gone).signal).toBe('SIGKILL');
  });
});

describe('a proxy of four workers that cannot start', () => {
  it('ends and says why', async () => {
    await using taken = await serve((await import('node:http')).createServer());
    const adminPort = String(await freePort());
    const starting = startWorld({
      SPAWNER_PROXY_HTTP_PORT: String(taken.port),
      SPAWNER_PROXY_ADMIN_PORT: adminPort,
    });
    await expect(starting).rejects.toThrow(/EADDRINUSE[\s\S]*cannot start/);
  });

  it('refuses limits that cannot be shared, and a name that its workers cannot have', async () => {
    const starting = startProgram({
      command: process.execPath,
      args: ['services/proxy/src/main.ts'],
      env: {
        SPAWNER_PROXY_WORKERS: '4',
        SPAWNER_PROXY_CONNECTIONS_PER_ADDRESS: '3',
        SPAWNER_PROXY_ID: 'p'.repeat(62),
      },
      ready: () => false,
    });
    await expect(starting).rejects.toThrow(
      /SPAWNER_PROXY_ID is too long[\s\S]*PER_ADDRESS must be at least 4/,
    );
  });
});
