/** Idle shutdown while a proxy cannot answer: one that is certainly dead delays nothing, one that is stopped does. */
import { setTimeout as pause } from 'node:timers/promises';
import { eventually, request, startTimeJudge, type TimeJudge } from '@spawner/testkit';
import { type BackendJson, type Cluster, type ServiceHandle, startCluster } from '../cluster/cluster.ts';
import { goneAt } from '../cluster/process-end.ts';

const WITHIN_MS = 3_000;
const image = 'spawner/probe:latest';

describe('sessions whose proxy is lost', () => {
  let cluster: Cluster;
  let first: ServiceHandle;
  let second: ServiceHandle;
  let judge: TimeJudge;
  beforeAll(async () => {
    cluster = await startCluster({ runtime: 'process', count: { proxy: 2 } });
    judge = startTimeJudge(cluster.pids);
    [first, second] = cluster.services.proxy as [ServiceHandle, ServiceHandle];
  });
  afterAll(async () => {
    judge?.[Symbol.dispose]();
    await cluster?.stop();
  });

  /** A request to a starting backend is held until it is ready, so that the idle clock cannot run out before the first use. */
  const get = (proxy: ServiceHandle, { id }: BackendJson, path = '/name') =>
    request({ port: proxy.port, host: `${id}.${cluster.domain}`, path });
  const expectInTime = (dueAt: number, endedAt: number) =>
    judge.expect({ what: 'the idle shutdown', from: dueAt, to: endedAt, boundMs: WITHIN_MS });
  /** The wall time at which the program was really gone; call it while it lives. */
  const endOf = async ({ id }: BackendJson) => {
    const program = cluster.processOf(id);
    if (!program) throw new Error(`${id} has no process`);
    const gone = goneAt(program);
    expect((await cluster.inState(id, 'TERMINATED')).endReason).toBe('IDLE');
    return gone;
  };

  it('continue through the other one while it is stopped, since it may only be slow', async () => {
    const spec = { image, idleTimeoutMs: 400 };
    const open = await cluster.spawn(spec);
    const slow = get(second, open, '/slow?ms=6000');
    const used = await cluster.spawn(spec);
    expect((await get(second, used)).status).toBe(200);
    process.kill(first.pid, 'SIGSTOP');
    try {
      const statuses: number[] = [];
      for (let use = 0; use < 6; use++) {
        // Longer than the timeout: each time an end is being settled without the stopped proxy's answer.
        await pause(600);
        statuses.push((await get(second, used)).status);
      }
      expect(statuses).toEqual(Array(6).fill(200));
      await eventually(() => cluster.agent.log().includes(`"because":"silent"`));
      expect((await slow).body).toBe('slow');
      expect((await cluster.backend(used.id)).state).toBe('READY');
    } finally {
      process.kill(first.pid, 'SIGCONT');
    }
    await Promise.all([used, open].map(endOf));
  });

  it('end in time after it was killed and came back, as if the new process had been there before', async () => {
    const idleTimeoutMs = 7_000;
    const backend = await cluster.spawnReady({ image, idleTimeoutMs });
    expect((await get(first, backend)).status).toBe(200);
    const killedAt = Date.now();
    await first.kill();
    // Counted from its start, the session would last longer than is allowed.
    await pause(4_000);
    await first.start();
    const endedAt = await endOf(backend);
    expect(endedAt - killedAt).toBeGreaterThan(idleTimeoutMs - 1_000);
    expectInTime(killedAt + idleTimeoutMs, endedAt);
    await first.ready();
  });

  it('end in time after it was killed and stays away, but not those that are open through the other one', async () => {
    const spec = { image, idleTimeoutMs: 1_000 };
    const open = await cluster.spawn(spec);
    const askedAt = Date.now();
    const slow = get(second, open, '/slow?ms=6000');
    const used = await cluster.spawn(spec);
    expect((await get(first, used)).status).toBe(200);
    const killedAt = Date.now();
    await first.kill();
    const endedAt = await endOf(used);
    expect(endedAt - killedAt).toBeGreaterThan(spec.idleTimeoutMs - 500);
    expectInTime(killedAt + spec.idleTimeoutMs, endedAt);
    expect((await slow).body).toBe('slow');
    expect(await endOf(open)).toBeGreaterThan(askedAt + 6_000 + spec.idleTimeoutMs - 100);
  });
});
