/** The explanation of a session: whether it is in use, when it would end, and why it ended. */
import { eventually, request } from '@spawner/testkit';
import { type Cluster, startCluster } from '../cluster/cluster.ts';

interface Explained {
  summary: string;
  clocks: { name: string; limitMs: number; elapsedMs: number; remainingMs?: number }[];
  placement: { droneId: string; candidates: { known: number }; summary: string };
  proxies?: { proxyId: string; openConnections: number }[];
  lastActivity?: { proxyId: string; ageMs: number; kind: string; path: string };
  missing?: string;
  unforwardableAnswer?: { objection: string; time: string };
}

const IDLE_MS = 4_000;

describe('the explanation of a session', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({ runtime: 'process' });
  });
  afterAll(() => cluster?.stop());

  const explain = async (id: string): Promise<Explained> => {
    const answer = await request({ port: cluster.gateway.port, path: `/v1/backends/${id}/explain` });
    expect(answer.status).toBe(200);
    return JSON.parse(answer.body) as Explained;
  };
  const until = (id: string, summary: RegExp) =>
    eventually(
      async () => {
        const explained = await explain(id);
        if (!summary.test(explained.summary)) throw new Error(explained.summary);
        return explained;
      },
      { timeoutMs: 60_000 },
    );
  const clock = ({ clocks }: Explained, wanted: string) => clocks.find(({ name }) => name === wanted);

  it('says why an answer of its program could not be forwarded', async () => {
    const { id } = await cluster.spawnReady({ image: 'spawner/probe:latest', idleTimeoutMs: 0 });
    const objection = 'it has lengths that differ';
    expect((await cluster.fetchBackend(id, '/odd')).body).toContain(objection);
    // A proxy tells it once a minute.
    const explained = await until(id, /could not be forwarded .* ago: it has lengths that differ\.$/);
    expect(explained.unforwardableAnswer).toMatchObject({ objection });
    await cluster.terminate(id);
  });

  it('says how many use it, then how long it has left, then why it ended', async () => {
    const { id } = await cluster.spawnReady({ image: 'spawner/probe:latest', idleTimeoutMs: IDLE_MS });
    const sockets = [await cluster.openWebSocket(id), await cluster.openWebSocket(id, '/ws?token=secret')];
    // The proxies are asked at once; which use was the last comes with their next report.
    await eventually(async () => expect((await explain(id)).lastActivity?.path).toBe('/ws'));
    const used = await until(id, /^READY and in use: 2 open connections\.$/);
    expect(used.missing).toBeUndefined();
    expect(used.proxies).toMatchObject([{ openConnections: 2 }]);
    expect(used.lastActivity).toMatchObject({
      ...{ kind: 'UPGRADE', path: '/ws', proxyId: used.proxies?.[0]?.proxyId },
    });
    expect(clock(used, 'IDLE')).toMatchObject({ limitMs: IDLE_MS });
    expect(clock(used, 'IDLE')?.remainingMs).toBeUndefined();
    expect(used.placement).toMatchObject({
      candidates: { known: 1 },
      summary: expect.stringMatching(/was the only one\.$/),
    });

    for (const socket of sockets) socket.close();
    const idle = await until(id, /^READY, idle for .*; ends in .* unless a client connects\.$/);
    expect(clock(idle, 'IDLE')?.remainingMs).toBeGreaterThan(0);
    expect(clock(idle, 'IDLE')?.remainingMs).toBeLessThanOrEqual(IDLE_MS);

    await cluster.inState(id, 'TERMINATED');
    expect((await explain(id)).summary).toMatch(/^Ended as IDLE at 20.*: it was unused for 4 s\.$/);
  });
});
