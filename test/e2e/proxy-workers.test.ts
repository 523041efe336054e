/** Sessions behind a proxy of several workers: each use keeps its session alive, through any worker. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { eventually, request } from '@spawner/testkit';
import { type Cluster, startCluster } from '../cluster/cluster.ts';

const SESSIONS = 8;
const IDLE_TIMEOUT_MS = 1_500;
/** A state in /proc/net/tcp. */
const ESTABLISHED = '01';

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

  it('are kept by every use, except those of a worker that is killed, and end unused', async () => {
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
      // The request is held until the backend is ready: the idle clock cannot run out before the first use.
      const { id } = await cluster.spawn(spec);
      const first = await ask(id);
      usedAgain += 1;
      return { id, first, second: await ask(id) };
    };
    const uses = Array.from({ length: SESSIONS }, use);
    await eventually(() => usedAgain === SESSIONS, { timeoutMs: 60_000 });
    const open = ({ pid }: { pid: number }) => connectionsOf(pid, cluster.proxy.port);
    const busiest = workers().reduce((most, each) => (open(each) > open(most) ? each : most));
    // Stopped, so that no exchange ends between the count and the kill.
    process.kill(busiest.pid, 'SIGSTOP');
    const cut = open(busiest);
    process.kill(busiest.pid, 'SIGKILL');
    const sessions = await Promise.all(uses);
    // Each was in use for longer than its timeout.
    expect(sessions.map(({ first }) => first)).toEqual(sessions.map(() => 200));
    const seconds = sessions.map(({ second }) => second);
    expect(cut).toBeGreaterThan(0);
    expect(seconds.filter((each) => each === 'cut')).toHaveLength(cut);
    expect(seconds.filter((each) => each === 200)).toHaveLength(SESSIONS - cut);
    await eventually(() => workers().filter(({ worker }) => worker === busiest.worker).length === 2);
    for (const { id } of sessions) expect((await cluster.inState(id, 'TERMINATED')).endReason).toBe('IDLE');
  });
});

/** The open connections of clients that this process has on this port (proc(5): fd, net/tcp). */
function connectionsOf(pid: number, port: number): number {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
  const own = new Set(links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]));
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return ['tcp', 'tcp6']
    .flatMap((table) => readFileSync(`/proc/${pid}/net/${table}`, 'utf8').split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, address = '', , state, , , , , , inode]) => {
      return address.endsWith(local) && state === ESTABLISHED && own.has(inode);
    }).length;
}

/** Empty if it was closed in between. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
