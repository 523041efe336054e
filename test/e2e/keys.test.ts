/** One session per key, by real programs: three gateways and two schedulers that know nothing of each other. */
import { BackendServiceService, SpawnBackendRequest } from '@spawner/proto/v1/backend_service';
import { createClient } from '@spawner/rpc';
import { type Cluster, startCluster } from '../cluster/cluster.ts';

const spec = { image: 'spawner/probe:latest', idleTimeoutMs: 120_000 };
const PARALLEL = 200;
const WITHIN_MS = 60_000;

describe('one session per key', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({ runtime: 'process', count: { gateway: 3, scheduler: 2 } });
  });
  afterAll(() => cluster?.stop());

  const clients = () =>
    cluster.services.gateway.map(({ ports }) =>
      createClient(BackendServiceService, `127.0.0.1:${ports.SPAWNER_GATEWAY_GRPC_PORT}`),
    );
  const environmentOf = async (id: string) => JSON.parse((await cluster.fetchBackend(id, '/env')).body);

  it(`${PARALLEL} calls at once over all gateways give one backend, one spawn and one fence`, async () => {
    const gateways = clients();
    try {
      for (const name of ['first', 'second {}*\n🙂']) {
        const request = SpawnBackendRequest.fromPartial({ spec, key: { namespace: 'rooms', name } });
        const calls = Array.from({ length: PARALLEL }, (_, n) =>
          gateways[n % gateways.length]!.spawnBackend(request, { timeoutMs: WITHIN_MS }),
        );
        const answers = await Promise.all(calls);
        expect(answers.filter(({ spawned }) => spawned)).toHaveLength(1);
        expect(new Set(answers.map(({ backend }) => backend?.id)).size).toBe(1);
        expect(new Set(answers.map(({ backend }) => backend?.fence)).size).toBe(1);
        const { id = '', fence } = answers[0]?.backend ?? {};
        expect(await environmentOf(id)).toMatchObject({
          SPAWNER_KEY: name,
          SPAWNER_KEY_NAMESPACE: 'rooms',
          SPAWNER_FENCE: String(fence),
          SPAWNER_BACKEND_ID: id,
        });
      }
      const { json } = await cluster.call('GET', '/v1/backends');
      expect(json.backends).toHaveLength(2);
    } finally {
      for (const gateway of gateways) gateway.close();
    }
  });

  it('is spawned again with a higher fence as soon as it was ended, over another gateway', async () => {
    const body = { spec, key: { name: 'again' } };
    const first = await cluster.call('POST', '/v1/backends', body);
    const { id = '', fence = 0 } = first.json.backend ?? {};
    expect([first.status, first.json.spawned]).toEqual([201, true]);
    await cluster.inState(id, 'READY');
    expect(await environmentOf(id)).not.toHaveProperty('SPAWNER_KEY_NAMESPACE');
    expect(await cluster.apiOf(1).call('POST', '/v1/backends', body)).toMatchObject({
      status: 200,
      json: { spawned: false, backend: { id, fence } },
    });
    expect((await cluster.call('DELETE', '/v1/backends?keyName=again')).status).toBe(200);
    const second = await cluster.apiOf(2).call('POST', '/v1/backends', body);
    expect([second.status, second.json.spawned]).toEqual([201, true]);
    expect((await cluster.backend(id)).state).toBe('TERMINATED');
    expect(second.json.backend?.fence).toBeGreaterThan(fence);
    expect(await environmentOf(second.json.backend?.id ?? '')).toMatchObject({
      SPAWNER_FENCE: String(second.json.backend?.fence),
    });
  });

  it('keeps its holder over a store that lost everything and an agent that was killed', async () => {
    const body = { spec, key: { name: 'lasting' } };
    const first = (await cluster.call('POST', '/v1/backends', body)).json.backend;
    await cluster.inState(first?.id ?? '', 'READY');
    await cluster.agent.kill();
    await cluster.redis.flush();
    await cluster.agent.start();
    await cluster.agent.ready();
    expect(await cluster.inState(first?.id ?? '', 'READY')).toMatchObject({ fence: first?.fence });
    expect((await cluster.call('POST', '/v1/backends', body)).json).toMatchObject({
      spawned: false,
      backend: { id: first?.id, fence: first?.fence },
    });
  });
});
