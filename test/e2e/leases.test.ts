import { request } from '@spawner/testkit';
import { type Cluster, startCluster } from '../cluster/cluster.ts';

const LEASE_STOP_MS = 25_000;
const LEASE_KILL_MS = 30_000;
const spec = { image: 'spawner/probe:latest', idleTimeoutMs: 0 };

describe('while no scheduler answers', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({ runtime: 'process' });
  });
  afterAll(() => cluster?.stop());

  const spawn = async (body: object) => {
    const { json } = await cluster.call('POST', '/v1/backends', body);
    return cluster.inState(json.backend!.id, 'READY');
  };
  const served = async (id: string) => (await cluster.fetchBackend(id)).status === 200;

  it('a strictly keyed session ends by itself between 25 and 30 s, one that says CONTINUE and one without a key continue; the key comes back with a higher fence', async () => {
    const key = { name: 'room' };
    const strict = await spawn({ spec, key });
    const loose = await spawn({ spec: { ...spec, onLeaseLoss: 'CONTINUE' }, key: { name: 'other' } });
    const plain = await spawn({ spec });
    await cluster.scheduler.kill();
    const since = performance.now();
    const deadline = since + LEASE_KILL_MS + 3_000;
    while ((await served(strict.id)) && performance.now() < deadline)
      await request({
        port: cluster.proxy.port,
        host: `${plain.id}.${cluster.domain}`,
        path: '/slow?ms=100',
      });
    const lasted = performance.now() - since;
    expect(lasted).toBeGreaterThan(LEASE_STOP_MS - 2_500);
    expect(lasted).toBeLessThan(LEASE_KILL_MS + 1_000);
    expect([await served(loose.id), await served(plain.id)]).toEqual([true, true]);
    await cluster.scheduler.start();
    await cluster.scheduler.ready();
    expect(await cluster.inState(strict.id, 'TERMINATED')).toMatchObject({ endReason: 'LEASE_LOST' });
    expect((await cluster.backend(plain.id)).state).toBe('READY');
    const next = await cluster.call('POST', '/v1/backends', { spec, key });
    expect(next.json.spawned).toBe(true);
    expect(Number(next.json.backend!.fence)).toBeGreaterThan(Number(strict.fence));
  });
});
