/**
 * The first Spawner's interface tests of its agent (A1-A7), its end-to-end test (E1) and the statistics cases of
 * August 2022, in this project's terms. Two backends run wherever one could hide a mix-up.
 */

import { Resolver } from 'node:dns/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openBus, SUBJECTS } from '@spawner/bus';
import type { BackendLog, BackendStats, DroneHeartbeat } from '@spawner/proto/internal/telemetry';
import { eventually, request, testLog } from '@spawner/testkit';
import { type BackendJson, type Cluster, startCluster } from '../cluster/cluster.ts';

const IMAGE = 'spawner/probe:latest';
const LIFE = ['SCHEDULED', 'LOADING', 'STARTING', 'WAITING', 'READY'];
const log = testLog();

describe('a session', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({ env: { agent: { SPAWNER_AGENT_LOGS_ON_BUS: 'true' } } });
  });
  afterAll(() => cluster?.stop());

  const probe = (name: string, change: object = {}) => ({
    image: IMAGE,
    env: { NAME: name },
    idleTimeoutMs: 60_000,
    ...change,
  });

  it('is spawned, found by DNS, used at its own hostname, and ends for idleness; another in use continues (A4, E1)', async () => {
    const resolver = new Resolver();
    resolver.setServers([`127.0.0.1:${cluster.dns.port}`]);
    // While it still starts, and held until it is ready: the clock of one does not run out while the other starts.
    const nameBy = async ({ id }: BackendJson) => {
      const host = `${id}.${cluster.domain}`;
      const [address] = await eventually(() => resolver.resolve4(host));
      const { status, body } = await request({ address, port: cluster.proxy.port, host, path: '/name' });
      return [status, body];
    };
    const used = await cluster.spawn(probe('used', { idleTimeoutMs: 2_000 }));
    const opening = cluster.openWebSocket(used.id);
    const unused = await cluster.spawn(probe('unused', { idleTimeoutMs: 2_000 }));
    const states = cluster.watchStates(unused.id);
    expect(await Promise.all([unused, used].map(nameBy))).toEqual([
      [200, 'unused'],
      [200, 'used'],
    ]);
    const socket = await opening;
    expect(await states).toEqual([...LIFE, 'TERMINATING', 'TERMINATED']);
    expect(await cluster.backend(unused.id)).toMatchObject({ state: 'TERMINATED', endReason: 'IDLE' });
    expect((await cluster.fetchBackend(unused.id)).status).toBe(410);
    expect((await cluster.backend(used.id)).state).toBe('READY');
    socket.close();
    expect(await cluster.inState(used.id, 'TERMINATED')).toMatchObject({ endReason: 'IDLE' });
  });

  it('ends at its lifetime limit though it is in use', async () => {
    const backend = await cluster.spawnReady(probe('short', { idleTimeoutMs: 0, lifetimeLimitMs: 2_000 }));
    const socket = await cluster.openWebSocket(backend.id);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    expect(await cluster.inState(backend.id, 'TERMINATED')).toMatchObject({ endReason: 'LIFETIME' });
    expect(await closed).toBe(1001);
  });

  it('outlives its agent: both are served all the time, and are ended by the next agent for idleness (A5)', async () => {
    const two = await cluster.spawnReady(probe('two'));
    const one = await cluster.spawnReady(probe('one', { idleTimeoutMs: 3_000 }));
    await cluster.agent.kill();
    for (const [{ id }, name] of [
      [one, 'one'],
      [two, 'two'],
    ] as const)
      expect((await cluster.fetchBackend(id, '/name')).body).toBe(name);
    await cluster.agent.start();
    await cluster.agent.ready();
    expect(await cluster.inState(one.id, 'TERMINATED')).toMatchObject({ endReason: 'IDLE' });
    expect((await cluster.fetchBackend(two.id, '/name')).body).toBe('two');
    expect((await cluster.backend(two.id)).state).toBe('READY');
    await cluster.terminate(two.id, true);
  });

  it('that fails while it starts is reported with its exit code and last lines; another starts well (A6)', async () => {
    const bad = await cluster.spawn(
      probe('bad', { env: { EXIT_CODE: '1', EXIT_TIMEOUT: '100', LISTEN: 'false' } }),
    );
    const good = await cluster.spawn(probe('good'));
    const states = await cluster.watchStates(bad.id);
    expect(states.filter((state) => state !== 'WAITING')).toEqual([
      'SCHEDULED',
      'LOADING',
      'STARTING',
      'TERMINATED',
    ]);
    const ended = await cluster.backend(bad.id);
    expect(ended).toMatchObject({ endReason: 'START_ERROR', exitCode: 1 });
    expect(ended.lastLogs?.join('\n')).toContain('probe exits with 1');
    expect((await cluster.inState(good.id, 'READY')).state).toBe('READY');
    await cluster.terminate(good.id, true);
  });

  it('that fails after it was ready is FAILED, one that exits well EXITED, and a third continues (A7)', async () => {
    const [failing, exiting, staying] = await Promise.all(
      ['f', 'e', 's'].map((name) => cluster.spawnReady(probe(name))),
    );
    await cluster.fetchBackend(failing!.id, '/exit/7');
    await cluster.fetchBackend(exiting!.id, '/exit/0');
    expect(await cluster.inState(failing!.id, 'TERMINATED')).toMatchObject({
      endReason: 'FAILED',
      exitCode: 7,
    });
    const exited = await cluster.inState(exiting!.id, 'TERMINATED');
    expect([exited.endReason, exited.exitCode ?? 0]).toEqual(['EXITED', 0]);
    expect((await cluster.fetchBackend(staying!.id, '/name')).body).toBe('s');
    await cluster.terminate(staying!.id, true);
  });

  it('is terminated when asked, right after its spawn as well as later, and twice is once', async () => {
    const early = await cluster.spawn(probe('early'));
    const [first, second] = [await cluster.terminate(early.id), await cluster.terminate(early.id)];
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(await cluster.inState(early.id, 'TERMINATED')).toMatchObject({ endReason: 'REQUESTED' });
    const late = await cluster.spawnReady(probe('late'));
    await cluster.terminate(late.id);
    expect(await cluster.inState(late.id, 'TERMINATED')).toMatchObject({ endReason: 'REQUESTED' });
    expect((await cluster.terminate(late.id)).status).toBe(200);
  });

  it("tells of itself on the bus: heartbeats, each backend's own lines, statistics that arrive and stop (A2, A3)", async () => {
    const bus = await openBus(cluster.nats.url, 'test', log);
    const heartbeats: DroneHeartbeat[] = [];
    const lines: BackendLog[] = [];
    const stats: BackendStats[] = [];
    bus.subscribe(SUBJECTS.droneHeartbeat, undefined, (message) => heartbeats.push(message));
    bus.subscribe(SUBJECTS.backendLog, undefined, (message) => lines.push(message));
    bus.subscribe(SUBJECTS.backendStats, undefined, (message) => stats.push(message));
    const [one, two] = [await cluster.spawnReady(probe('one')), await cluster.spawnReady(probe('two'))];
    await cluster.fetchBackend(one.id, '/log?text=from-one');
    await cluster.fetchBackend(two.id, '/log?text=from-two&stream=stderr');
    await eventually(() => {
      const said = lines.map(({ id, line }) => [id, line?.text, line?.stream]);
      expect(said).toEqual(
        expect.arrayContaining([
          [one.id, 'from-one', 1],
          [two.id, 'from-two', 2],
        ]),
      );
    });
    await eventually(() =>
      expect(
        heartbeats.filter(({ droneId, cluster: of }) => droneId === 'drone-1' && of === cluster.name).length,
      ).toBeGreaterThan(1),
    );
    await cluster.fetchBackend(one.id, '/burn?ms=500');
    await eventually(() => {
      const of = (id: string) => stats.filter((each) => each.id === id);
      expect(of(one.id).some(({ cpuPercent, memoryPercent }) => cpuPercent > 0 && memoryPercent > 0)).toBe(
        true,
      );
      expect(of(two.id).some(({ memoryBytes }) => memoryBytes > 0)).toBe(true);
    });
    await cluster.terminate(one.id, true);
    await cluster.inState(one.id, 'TERMINATED');
    /** Two more of the other one: what the agent had said before the first of them has come, too. */
    const nextStats = async () => {
      stats.length = 0;
      await eventually(() => expect(stats.filter(({ id }) => id === two.id).length).toBeGreaterThan(1));
    };
    await nextStats();
    await nextStats();
    expect(stats.filter(({ id }) => id === one.id)).toEqual([]);
    await cluster.terminate(two.id, true);
    await bus.close();
  });

  it('gives its lines over HTTP, while it runs and after its end', async () => {
    const backend = await cluster.spawnReady(probe('talker'));
    await cluster.fetchBackend(backend.id, '/log?text=hello');
    const logs = async () =>
      (await request({ port: cluster.gateway.port, path: `/v1/backends/${backend.id}/logs` })).body;
    await eventually(async () => expect(await logs()).toContain('hello'));
    await cluster.fetchBackend(backend.id, '/exit/3');
    await cluster.inState(backend.id, 'TERMINATED');
    expect(await logs()).toContain('hello');
  });

  it('has its limits, environment and command inside the container', async () => {
    const backend = await cluster.spawnReady(
      probe('limited', {
        port: 9_000,
        env: { NAME: 'x', A: 'b=c' },
        command: ['/usr/local/bin/node', 'test/images/probe/server.ts'],
        args: ['--first', 'second word'],
        resources: { memoryBytes: 134_217_728, cpuMillis: 500, pids: 64 },
      }),
    );
    const env = JSON.parse((await cluster.fetchBackend(backend.id, '/env')).body);
    expect(env).toMatchObject({ NAME: 'x', A: 'b=c', PORT: '9000', SPAWNER_BACKEND_ID: backend.id });
    const own = JSON.parse((await cluster.fetchBackend(backend.id, '/process')).body);
    expect(own.limits).toEqual({ memoryBytes: 134_217_728, cpuMillis: 500, pids: 64 });
    expect(own.argv.slice(-2)).toEqual(['--first', 'second word']);
    await cluster.terminate(backend.id, true);
  });
});

describe('a proxy that does not know its public address', () => {
  it('asks the look-up service for it, and DNS names what that said (A1)', async () => {
    const asked: string[] = [];
    const lookup = createServer((incoming, response) => {
      asked.push(incoming.url ?? '');
      response.end('21.22.23.24\n');
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => lookup.once('listening', resolve));
    const api = `http://127.0.0.1:${(lookup.address() as AddressInfo).port}/ip`;
    const env = { proxy: { SPAWNER_PROXY_PUBLIC_ADDRESSES: '', SPAWNER_PROXY_PUBLIC_ADDRESS_API: api } };
    await using cluster = await startCluster({ runtime: 'process', env });
    const resolver = new Resolver();
    resolver.setServers([`127.0.0.1:${cluster.dns.port}`]);
    const backend = await cluster.spawn({ image: 'probe' });
    await eventually(async () =>
      expect(await resolver.resolve4(`${backend.id}.${cluster.domain}`)).toEqual(['21.22.23.24']),
    );
    expect(asked).toContain('/ip');
    lookup.close();
  });
});
