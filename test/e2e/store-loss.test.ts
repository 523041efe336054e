/** A store that loses everything while the drone that holds a key cannot be heard. */
import { DEADLINES, isAppError } from '@spawner/domain';
import { BackendServiceService, SpawnBackendRequest } from '@spawner/proto/v1/backend_service';
import { createClient } from '@spawner/rpc';
import { type Cluster, startCluster } from '../cluster/cluster.ts';

const spec = { image: 'spawner/probe:latest', idleTimeoutMs: 0 };
const CALLERS_PATIENCE_MS = 15_000;

describe('a key whose drone is cut off while the store loses everything', () => {
  let cluster: Cluster;
  let stopped: number | undefined;
  beforeAll(async () => {
    cluster = await startCluster({ runtime: 'process', count: { agent: 2 } });
  });
  afterAll(async () => {
    if (stopped) process.kill(stopped, 'SIGCONT');
    await cluster?.stop();
  });

  it('has no second holder before the give-away time; after it, one with a higher fence, and the first is no more', async () => {
    const backends = createClient(BackendServiceService, cluster.grpcAddress);
    const spawn = async () => {
      const request = SpawnBackendRequest.fromPartial({ spec, key: { name: 'room' } });
      const { backend, spawned } = await backends.spawnBackend(request, { timeoutMs: CALLERS_PATIENCE_MS });
      return { id: backend!.id, drone: backend!.droneId, fence: backend!.fence, spawned };
    };
    try {
      const first = await spawn();
      await cluster.inState(first.id, 'READY');
      stopped = cluster.services.agent[Number(first.drone.split('-')[1]) - 1]!.pid;
      process.kill(stopped, 'SIGSTOP');
      const since = performance.now();
      await cluster.redis.flush();

      await expect(spawn()).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('the store opened a new epoch'),
      });
      // A backend without a key does not wait.
      expect((await cluster.spawnReady(spec)).droneId).not.toBe(first.drone);
      let second: Awaited<ReturnType<typeof spawn>> | undefined;
      while (!second)
        second = await spawn().catch((error: unknown) => {
          if (!isAppError(error, 'unavailable')) throw error;
          return undefined;
        });
      expect(performance.now() - since).toBeGreaterThan(DEADLINES.leaseGiveAway);
      expect(second.spawned).toBe(true);
      expect(second.fence).toBeGreaterThan(first.fence);

      process.kill(stopped, 'SIGCONT');
      stopped = undefined;
      expect(await cluster.inState(first.id, 'TERMINATED')).toMatchObject({ endReason: 'LEASE_LOST' });
      expect(await spawn()).toEqual({ ...second, spawned: false });
      await cluster.inState(second.id, 'READY');
    } finally {
      backends.close();
    }
  });
});
