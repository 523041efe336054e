import { askDocker, eventually, request } from '@spawner/testkit';
import { type Cluster, startCluster } from '../cluster/cluster.ts';

const IMAGE = 'spawner/probe:latest';

describe('bad input', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster?.stop());

  const listed = async () => (await cluster.call('GET', '/v1/backends')).json.backends ?? [];
  const containers = async () => {
    const label = [`dev.spawner.cluster=${cluster.name}`, 'dev.spawner.backend'];
    const filters = encodeURIComponent(JSON.stringify({ label }));
    return (await askDocker(
      cluster.dockerSocket!,
      'GET',
      `/containers/json?all=true&filters=${filters}`,
    )) as unknown[];
  };

  it.each<[string, object, string[]]>([
    ['an empty image', { image: '' }, ['spec.image']],
    ['a malformed image', { image: 'No Good' }, ['spec.image']],
    ['an environment name with =', { image: IMAGE, env: { 'A=B': 'c' } }, ['spec.env.A=B']],
    ['an environment name with NUL', { image: IMAGE, env: { 'A\0': 'c' } }, ['spec.env.A\\u0000']],
    ['port 0', { image: IMAGE, port: 0 }, ['spec.port']],
    ['port 70000', { image: IMAGE, port: 70_000 }, ['spec.port']],
    [
      'limits below zero and beyond reason',
      { image: IMAGE, idleTimeoutMs: -1, resources: { memoryBytes: -5, cpuMillis: 1e12 } },
      ['spec.idle_timeout_ms', 'spec.resources.cpu_millis', 'spec.resources.memory_bytes'],
    ],
    ['a field that does not exist', { image: IMAGE, portt: 1 }, ['spec.portt']],
    ['everything at once', { image: '', port: 'x', env: [] }, ['spec.env', 'spec.port']],
  ])('%s is refused with 400 that names the field, and leaves nothing behind', async (_, spec, fields) => {
    const { status, json } = await cluster.call('POST', '/v1/backends', { spec });
    expect([status, json.code]).toEqual([400, 'INVALID_ARGUMENT']);
    const named = (json.details as { field: string }[]).map(({ field }) =>
      field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    );
    const wanted = fields.map((field) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
    expect(named.sort()).toEqual(wanted.sort());
    expect(await listed()).toEqual([]);
  });

  it('of other kinds is refused as itself', async () => {
    const post = (body: string, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
      request({ port: cluster.gateway.port, method: 'POST', path: '/v1/backends', headers, body });
    const good = JSON.stringify({ spec: { image: IMAGE } });
    expect((await post('[]')).status).toBe(400);
    expect((await post('{')).status).toBe(400);
    expect((await post('x'.repeat(10 << 20)).catch((error) => error)).status).toBe(413);
    expect((await post(good, { 'content-type': 'text/plain' })).status).toBe(415);
    expect(
      (await post(good, { 'content-type': 'application/json', origin: 'https://evil.test' })).status,
    ).toBe(403);
    expect((await cluster.call('GET', `/v1/backends/${'a'.repeat(26)}`)).status).toBe(404);
    expect((await cluster.call('DELETE', `/v1/backends/${'a'.repeat(26)}`)).status).toBe(404);
    expect((await cluster.call('GET', '/v1/backends/nonsense')).status).toBe(404);
    expect((await cluster.call('GET', '/nothing')).status).toBe(404);
    expect(await listed()).toEqual([]);
  });

  it('that only the drone can see ends the backend with its reason and words, and leaves no container', async () => {
    const [missing, exits, silent, good] = await Promise.all([
      cluster.spawn({ image: 'spawner/no-such-image:latest' }),
      cluster.spawn({ image: IMAGE, env: { EXIT_CODE: '4', LISTEN: 'false' } }),
      cluster.spawn({ image: IMAGE, env: { LISTEN: 'false' }, startupTimeoutMs: 1_500 }),
      cluster.spawn({ image: IMAGE }),
    ]);
    const noImage = await cluster.inState(missing.id, 'TERMINATED');
    expect([noImage.endReason, noImage.endDetail]).toEqual(['LOAD_ERROR', expect.stringMatching(/\w{3,}/)]);
    expect(noImage.endDetail).not.toContain('HTTP code');
    expect(await cluster.inState(exits.id, 'TERMINATED')).toMatchObject({
      endReason: 'START_ERROR',
      exitCode: 4,
      lastLogs: expect.arrayContaining([expect.stringContaining('probe')]),
    });
    expect(await cluster.inState(silent.id, 'TERMINATED')).toMatchObject({ endReason: 'STARTUP_TIMEOUT' });
    await cluster.inState(good.id, 'READY');
    await eventually(async () => expect(await containers()).toHaveLength(1));
    await cluster.terminate(good.id, true);
    await eventually(async () => expect(await containers()).toEqual([]));
  });
});
