/** Sessions behind a proxy of several workers: each is kept by whoever uses it, through whichever worker that is. */
import { eventually, request } from '@spawner/testkit';
import { type Cluster, startCluster } from '../cluster/cluster.ts';

const SESSIONS = 8;
const IDLE_TIMEOUT_MS = 1_500;

describe('sessions behind a proxy of three workers', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({ runtime: 'process', env: { proxy: { SPAWNER_PROXY_WORKERS: '3' } } });
  });
  afterAll(async () => {
    await cluster?.stop();
  });

  const workers = () =>
    cluster.proxy
      .log()
      .split('\n')
      .filter((line) => line.includes('"a worker was started"'))
      .map((line) => JSON.parse(line) as { worker: number; pid: number });

  it('are not ended while they are used, but for those of a worker that is killed, and end when nobody does', async () => {
    const ask = (id: string) =>
      request({
        port: cluster.proxy.port,
        host: `${id}.${cluster.domain}`,
        path: `/slow?ms=${3 * IDLE_TIMEOUT_MS}`,
      }).then(
        ({ status }) => status,
        () => 'cut',
      );
    let usedAgain = 0;
    const use = async () => {
      const spec = { image: 'spawner/probe:latest', idleTimeoutMs: IDLE_TIMEOUT_MS };
      // Held until it is ready: its clock does not run out before it is used.
      const { id } = await cluster.spawn(spec);
      const first = await ask(id);
      usedAgain += 1;
      return { id, first, second: await ask(id) };
    };
    const uses = Array.from({ length: SESSIONS }, use);
    await eventually(() => usedAgain === SESSIONS, { timeoutMs: 60_000 });
    const killed = workers().find(({ worker }) => worker === 2);
    process.kill(killed?.pid ?? Number.NaN, 'SIGKILL');
    const sessions = await Promise.all(uses);
    // Each was in use for longer than its timeout.
    expect(sessions.map(({ first }) => first)).toEqual(sessions.map(() => 200));
    expect(sessions.filter(({ second }) => second !== 200 && second !== 'cut')).toEqual([]);
    await eventually(() => workers().filter(({ worker }) => worker === 2).length === 2);
    for (const { id } of sessions) expect((await cluster.inState(id, 'TERMINATED')).endReason).toBe('IDLE');
  });
});
