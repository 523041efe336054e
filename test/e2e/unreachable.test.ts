import { eventually } from '@spawner/testkit';
import { type Cluster, startCluster } from '../cluster/cluster.ts';

const spec = { image: 'spawner/probe:latest', idleTimeoutMs: 0 };
/** Three renewals, and the sweep that finds them missing. */
const SILENT_WITHIN_MS = 60_000;

describe('sessions whose agent is gone', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({ runtime: 'process' });
  });
  afterAll(() => cluster?.stop());

  it('are served where they answer, and are to be tried again where they do not, until the agent is back', async () => {
    const [alive, dead] = [(await cluster.spawnReady(spec)).id, (await cluster.spawnReady(spec)).id];
    const status = async (id: string) => (await cluster.fetchBackend(id)).status;
    await cluster.agent.kill();
    await cluster.fetchBackend(dead, '/exit/3').catch(() => undefined);
    await eventually(async () => (await status(dead)) === 503, { timeoutMs: SILENT_WITHIN_MS });
    const program = await cluster.fetchBackend(dead);
    expect([program.status, program.headers['retry-after']]).toEqual([503, '1']);
    const page = await cluster.fetchBackend(dead, '/', { headers: { accept: 'text/html' } });
    expect([page.status, page.body.includes('Your session cannot be reached')]).toEqual([503, true]);
    await expect(cluster.openWebSocket(dead)).rejects.toThrow('503');
    expect(await status(alive)).toBe(200);
    const socket = await cluster.openWebSocket(alive, '/echo');
    socket.close();
    expect((await cluster.backend(dead)).unreachable).toBe(true);

    await cluster.agent.start();
    await cluster.agent.ready();
    expect(await cluster.inState(dead, 'TERMINATED')).toMatchObject({ endReason: 'FAILED', exitCode: 3 });
    await eventually(async () => (await status(dead)) === 410);
    expect(await status(alive)).toBe(200);
    expect((await cluster.backend(alive)).unreachable).toBeFalsy();
  });
});
