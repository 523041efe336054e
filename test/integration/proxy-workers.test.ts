/** A proxy of several processes that accept from the same ports. */
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { connect as connectTls, type SecureVersion } from 'node:tls';
import {
  type Authority,
  eventually,
  makeAuthority,
  request,
  startProgram,
  startUpstream,
  tempDir,
  type Upstream,
} from '@spawner/testkit';
import { WebSocket } from 'ws';
import { DOMAIN, type ProxyWorld, serve, startProxyWorld } from './proxy-fixture.ts';
import {
  forwarded,
  openOf,
  pidOf,
  SLOTS,
  startFourWorkers,
  sum,
  visitor,
  visitors,
} from './proxy-workers-scene.ts';

let world: ProxyWorld;
let authority: Authority;
let upstream: Upstream;

beforeAll(async () => {
  authority = await makeAuthority('workers');
  world = await startFourWorkers({
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
      { timeoutMs: 120_000 },
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
    expect(sum(await openOf(world, id))).toBe(20);
    for (const socket of sockets) socket.close();
    await eventually(async () => sum(await openOf(world, id)) === 0);
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
      const reused: boolean[] = [];
      await eventually(async () => {
        const again = Array.from({ length: 20 }, () => open(version, session));
        reused.push(...(await Promise.all(again)).map((each) => each.reused));
        const now = await forwarded(world);
        return now.filter((count, at) => count > (before[at] ?? 0)).length >= 3;
      });
      expect(new Set(reused)).toEqual(new Set([true]));
    }
  });

  it('loses no client that waits to be accepted when one of them is killed', async () => {
    const { host } = await world.backend(upstream);
    const pids = SLOTS.map((slot) => pidOf(world, slot));
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    await eventually(() => pids.every((pid) => /\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))));
    const waiting = await visitors(40, world.port, host);
    const answers = waiting.map(({ ask }) => ask());
    process.kill(pids[0]!, 'SIGKILL');
    for (const pid of pids.slice(1)) process.kill(pid, 'SIGCONT');
    expect(await Promise.all(answers)).toEqual(waiting.map(() => '200'));
    for (const { socket } of waiting) socket.destroy();
    await eventually(() => world.registered.filter(({ id }) => id === 'proxy-1-1').length === 2);
  });

  it('continues when one of them is killed, without the exchanges of that one, and restarts it', async () => {
    const { id, host } = await world.backend(upstream);
    await eventually(async () => (await openOf(world, id)).every((open) => open === 0));
    const all = await visitors(60, world.port, host);
    const slow = all.map(({ ask }) => ask('/slow?ms=5000'));
    await eventually(async () => sum(await openOf(world, id)) === 60);
    const held = await openOf(world, id);
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
    // Back, it knows of nothing that is open, like every proxy that has just started.
    await eventually(async () => sum(await openOf(world, id)) === 0);
  });
});

describe('a proxy of two workers with snapshots', () => {
  it('starts and serves while the public address service is away', async () => {
    await using dir = await tempDir('worker-state');
    const api = await serve(createServer((_req, res) => res.end('21.22.23.24')));
    await using world = await startProxyWorld({
      SPAWNER_PROXY_WORKERS: '2',
      SPAWNER_PROXY_STATE_DIR: dir.path,
      SPAWNER_PROXY_PUBLIC_ADDRESSES: '',
      SPAWNER_PROXY_PUBLIC_ADDRESS_API: `http://127.0.0.1:${api.port}/`,
    });
    const { host } = await world.backend(upstream);
    // Any one of them answers for the backend, and each needs a snapshot.
    const files = ['worker-1', 'worker-2'].map((worker) => join(dir.path, worker, 'routes'));
    await eventually(() => files.every((file) => existsSync(file)));
    expect((await world.proxy.stop()).code).toBe(0);
    await api[Symbol.asyncDispose]();
    const { length } = world.registered;
    await using again = await startProgram({
      command: process.execPath,
      args: ['services/proxy/src/main.ts'],
      env: world.variables,
      ready: (line) => line.includes('"started"') && !line.includes('"proxy":'),
    });
    expect((await world.get(host)).status).toBe(200);
    expect(again.lines.filter((line) => line.includes('"a worker was started"'))).toHaveLength(2);
    // DNS cannot name it without an address, so it does not register.
    expect(world.registered).toHaveLength(length);
  });
});
