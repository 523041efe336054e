/** A store that loses everything while the drone that holds a key cannot be heard. */
import { DEADLINES } from '@spawner/domain';
import { type BackendJson, type Cluster, startCluster } from '../cluster/cluster.ts';

const spec = { image: 'spawner/probe:latest', idleTimeoutMs: 0 };
/** The gateway's patience with a key that waits. */
const AN_ATTEMPT_MS = 30_000;

describe('a key whose drone is cut off while the store loses everything', () => {
  let cluster: Cluster;
  let stopped: number | undefined;
  beforeAll(async () => {
    cluster = await startCluster({ runtime: 'process', count: { agent: 2 } });
  }, 60_000);
  afterAll(async () => {
    if (stopped) process.kill(stopped, 'SIGCONT');
    await cluster?.stop();
  });

  const spawn = async (name: string) => {
    const { status, json } = await cluster.call('POST', '/v1/backends', { spec, key: { name } });
    return { status, ...json, backend: json.backend as BackendJson };
  };

  it('has no second holder before the give-away time; after it, one with a higher fence, and the first is no more', async () => {
    const first = (await spawn('room')).backend;
    await cluster.inState(first.id, 'READY');
    const holder = cluster.services.agent[Number(first.droneId?.split('-')[1]) - 1]!;
    stopped = holder.pid;
    process.kill(stopped, 'SIGSTOP');
    const since = performance.now();
    await cluster.redis.flush();

    const refused = await spawn('room');
    expect(performance.now() - since).toBeGreaterThan(AN_ATTEMPT_MS - 1_000);
    expect(refused).toMatchObject({
      status: 503,
      code: 'UNAVAILABLE',
      message: expect.stringContaining('the store began anew'),
    });
    // Nothing without a key waits.
    expect((await cluster.spawnReady(spec)).droneId).not.toBe(first.droneId);
    const second = await spawn('room');
    expect(performance.now() - since).toBeGreaterThan(DEADLINES.leaseGiveAway);
    expect(second).toMatchObject({ status: 201, spawned: true });
    expect(Number(second.backend.fence)).toBeGreaterThan(Number(first.fence));

    process.kill(stopped, 'SIGCONT');
    stopped = undefined;
    expect(await cluster.inState(first.id, 'TERMINATED')).toMatchObject({ endReason: 'LEASE_LOST' });
    expect(await spawn('room')).toMatchObject({ status: 200, backend: { id: second.backend.id } });
    expect((await cluster.fetchBackend(second.backend.id)).status).toBe(200);
  }, 120_000);
});
