/**
 * Twenty sessions in containers, in use while the parts around them fail. Their users must notice nothing, except that a
 * strictly keyed session ends without its lease, as it promises. Every session has a short idle timeout, so that a use
 * that was not counted would end it. Unused sessions run beside them: they must survive a fault and end after it.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { DEADLINES } from '@spawner/domain';
import {
  type DockerDaemon,
  eventually,
  startDockerDaemon,
  startTimeJudge,
  type TimeJudge,
} from '@spawner/testkit';
import type { WebSocket } from 'ws';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { type EngineView, engineView } from './engine-view.ts';
import { idsOf, type Kind, respawn, type Session, spawnSession, type Wish } from './population.ts';
import { SLOW_MS, startTraffic, type Traffic } from './traffic.ts';

const SESSIONS: readonly Kind[] = [
  ...Array<Kind>(8).fill('plain'),
  ...Array<Kind>(6).fill('loose'),
  ...Array<Kind>(6).fill('strict'),
];
/** The strict sessions that ignore SIGTERM. */
const STUBBORN = ['strict-14', 'strict-15', 'strict-16'];
const UNUSED = 3;
const IDLE_TIMEOUT_MS = 3_000;
const IDLE_LATEST_MS = IDLE_TIMEOUT_MS + 8_000;
const WHOLE_WITHIN_MS = 5_000;
/** How long a test waits for something before it judges how late it came. */
const PATIENCE_MS = 60_000;
const NATS_AWAY_MS = 60_000;
const REDIS_AWAY_MS = 20_000;
const REDIS_LONG_AWAY_MS = 60_000;
const FAILS_FAST_MS = 10_000;
const BACK_BY_KEY_MS = 60_000;
/** From a deadline to its effect: a signal, an event of the engine. */
const MARGIN_MS = 1_500;
/** From the end of the refill until every replica has returned from its blocking read. */
const REPLICA_LATEST_MS = 10_000;

describe('sessions in use', () => {
  let engine: DockerDaemon;
  let cluster: Cluster;
  let containers: EngineView;
  let sessions: Session[] = [];
  let traffic: Traffic;
  let strictTraffic: Traffic;
  const counts = { faults: 0, fenced: 0, unusedEnded: 0, failures: 0, requests: 0, echoes: 0, slowestMs: 0 };
  let flushedAt = 0;
  let judge: TimeJudge;

  beforeAll(async () => {
    engine = await startDockerDaemon({ liveRestore: true });
    cluster = await startCluster({ docker: engine, redisKeeps: true });
    judge = startTimeJudge(() => [...cluster.pids(), engine.pid()]);
    containers = engineView(engine.socketPath, cluster.name);
    traffic = await startTraffic(cluster, []);
    strictTraffic = await startTraffic(cluster, []);
    sessions = await Promise.all(
      SESSIONS.map((kind, index) =>
        spawnSession(cluster, wish(kind, index), `${kind}-${index}`, trafficOf(kind).add),
      ),
    );
    await rounds();
  });
  afterAll(async () => {
    for (const each of [traffic, strictTraffic]) await endTraffic(each);
    // Without the users of strict sessions, who lose them on purpose.
    counts.slowestMs = traffic?.figures().slowestMs ?? 0;
    process.stdout.write(`faults: sessions: ${JSON.stringify({ sessions: SESSIONS.length, ...counts })}\n`);
    judge?.[Symbol.dispose]();
    await cluster?.stop();
    await engine?.stop();
  });
  beforeEach(servesWell);

  const wish = (kind: Kind, index: number): Wish => ({
    kind,
    idleTimeoutMs: IDLE_TIMEOUT_MS,
    env: STUBBORN.includes(`${kind}-${index}`) ? { IGNORE_SIGTERM: 'true' } : undefined,
  });
  const trafficOf = (kind: Kind) => (kind === 'strict' ? strictTraffic : traffic);
  const strict = () => sessions.filter(({ kind }) => kind === 'strict');
  const others = () => sessions.filter(({ kind }) => kind !== 'strict');
  const rounds = () => Promise.all([traffic.round(), strictTraffic.round()]);
  const failures = () => {
    const found = [...traffic.takeFailures(), ...strictTraffic.takeFailures()];
    counts.failures += found.length;
    return found;
  };
  const endTraffic = async (ending: Traffic | undefined) => {
    await ending?.stop();
    const { requests = 0, echoes = 0 } = ending?.figures() ?? {};
    counts.requests += requests;
    counts.echoes += echoes;
  };

  /** No use failed since the last call, and none took long. */
  function servesWell(): void {
    expect(failures()).toEqual([]);
    for (const { id, kind, from, to } of [...traffic.takeSlow(), ...strictTraffic.takeSlow()])
      judge.expect({ what: `the ${kind} answer of ${id}`, from, to, boundMs: SLOW_MS });
  }

  /**
   * The API, the drone's reservations, its agent and the engine agree on the living backends: every session, and those of
   * `unused` that still live. They do so in time `since` the part came back.
   */
  async function isWhole(unused: string[] = [], since = Date.now()): Promise<void> {
    await eventually(
      async () => {
        const { json } = await cluster.call('GET', '/v1/backends?pageSize=1000');
        const living = (json.backends ?? []).filter(({ state }) => state !== 'TERMINATED');
        const inUse = living.filter(({ id }) => !unused.includes(id));
        expect(inUse.map(({ id, state }) => `${id} ${state}`).sort()).toEqual(
          sessions.map(({ id }) => `${id} READY`).sort(),
        );
        expect(await containers.running()).toEqual(living.map(({ id }) => id).sort());
        const { json: fleet } = await cluster.call('GET', '/v1/drones');
        expect(fleet.drones).toMatchObject([{ id: 'drone-1', state: 'READY' }]);
        expect(Number(fleet.drones?.[0]?.reserved?.backends)).toBe(living.length);
        const metrics = await cluster.agent.admin('/metrics');
        expect(Number(/^spawner_agent_backends\S* (\d+)/m.exec(metrics)?.[1])).toBe(living.length);
      },
      { timeoutMs: PATIENCE_MS },
    );
    const whole = Date.now();
    process.stdout.write(
      `faults: ${expect.getState().currentTestName}: whole after ${whole - since} ms; ${judge.summary()}\n`,
    );
    judge.expect({ what: 'the agreement of all tables', from: since, to: whole, boundMs: WHOLE_WITHIN_MS });
    await rounds();
    servesWell();
    counts.faults += 1;
  }

  /**
   * Runs unused sessions during a fault; `fault` resolves with the wall time at which the part came back. None ends before
   * that, and each ends in time after it. After a store lost everything, `spareMs` more are allowed. The engine tells
   * when a program was really gone.
   */
  async function withUnused(fault: (unused: string[]) => Promise<number>, spareMs = 0): Promise<void> {
    const users: WebSocket[] = [];
    const use = async (id: string) => users.push(await cluster.openWebSocket(id));
    const plain: Wish = { kind: 'plain', idleTimeoutMs: IDLE_TIMEOUT_MS };
    const spawned = Array.from({ length: UNUSED }, () => spawnSession(cluster, plain, '', use));
    const unused = idsOf(await Promise.all(spawned));
    // The last users leave as the fault begins.
    for (const user of users) user.terminate();
    const began = Date.now();
    const back = await fault(unused);
    const over = Date.now();
    await isWhole(unused);
    for (const id of unused) {
      const ended = await cluster.inState(id, 'TERMINATED', spareMs + IDLE_LATEST_MS + PATIENCE_MS);
      expect(ended.endReason).toBe('IDLE');
      counts.unusedEnded += 1;
    }
    for (const [id, { termMs, deadMs }] of await containers.ends(unused, began)) {
      expect(began + termMs).toBeGreaterThanOrEqual(back);
      const [to, boundMs] = [began + deadMs, spareMs + IDLE_LATEST_MS];
      judge.expect({ what: `the idle shutdown of ${id}`, from: over, to, boundMs });
    }
    await isWhole();
  }

  /** Asks the engine, which answers when no store does. */
  const allRun = async (unused: string[]) =>
    expect(await containers.running()).toEqual([...idsOf(sessions), ...unused].sort());

  it.each(['gateway', 'scheduler', 'agent', 'dns', 'certificates'] as const)(
    'do not notice that %s is killed and started again',
    async (service) => {
      await cluster[service].kill();
      await rounds();
      const back = Date.now();
      await cluster[service].start();
      await cluster[service].ready();
      await isWhole([], back);
    },
  );

  it('do not notice a restart of the Docker Engine, whose containers live on; new ones start and end after it', async () => {
    const pids = await Promise.all(idsOf(sessions).map((id) => containers.pid(id)));
    await engine.restart();
    await isWhole();
    expect(await Promise.all(idsOf(sessions).map((id) => containers.pid(id)))).toEqual(pids);
    const later = await spawnSession(cluster, { kind: 'plain', idleTimeoutMs: IDLE_TIMEOUT_MS }, '');
    await cluster.terminate(later.id);
    await cluster.inState(later.id, 'TERMINATED');
    await isWhole();
  });

  it('do not notice 60 s without NATS; unused ones end after it, not during it', async () => {
    await withUnused(async (unused) => {
      await cluster.nats.kill();
      await wait(NATS_AWAY_MS);
      await allRun(unused);
      const back = Date.now();
      await cluster.nats.start();
      return back;
    });
  });

  it('without Redis for 60 s: strict ones end in order and come back by their keys with higher fences, the others do not notice', async () => {
    const fenced = strict();
    const since = Date.now();
    await cluster.redis.stop();
    await refusesToSpawn();
    await wait(since + REDIS_LONG_AWAY_MS - Date.now());
    expect(traffic.takeFailures()).toEqual([]);
    expect(await containers.running()).toEqual(idsOf(others()).sort());

    const earliest = (deadline: number) => deadline - DEADLINES.renewEvery - MARGIN_MS;
    for (const [id, { termMs, deadMs }] of await containers.ends(idsOf(fenced), since)) {
      const { key } = fenced.find((each) => each.id === id)!;
      process.stdout.write(`faults: ${key}: asked to end after ${termMs} ms, dead after ${deadMs} ms\n`);
      expect(termMs).toBeGreaterThan(earliest(DEADLINES.leaseStop));
      judge.expect({ ...ofLease(key, 'SIGTERM'), from: since + DEADLINES.leaseStop, to: since + termMs });
      expect(deadMs).toBeGreaterThanOrEqual(STUBBORN.includes(key) ? earliest(DEADLINES.leaseKill) : termMs);
      judge.expect({ ...ofLease(key, 'SIGKILL'), from: since + DEADLINES.leaseKill, to: since + deadMs });
      counts.fenced += 1;
    }
    await endTraffic(strictTraffic);
    const tooEarly = strictTraffic
      .takeFailures()
      .filter(({ at }) => Date.parse(at) - since < earliest(DEADLINES.leaseStop));
    expect(tooEarly).toEqual([]);

    sessions = others();
    strictTraffic = await startTraffic(cluster, []);
    await cluster.redis.start();
    await isWhole();
    for (const { id } of fenced)
      expect(await cluster.backend(id)).toMatchObject({ state: 'TERMINATED', endReason: 'LEASE_LOST' });

    const back = await Promise.all(
      fenced.map(async ({ key }) => {
        const wished = wish('strict', Number(key.slice('strict-'.length)));
        const use = strictTraffic.add;
        return (await respawn(cluster, wished, key, { timeoutMs: BACK_BY_KEY_MS, use })).session;
      }),
    );
    for (const [index, { fence }] of back.entries()) expect(fence).toBeGreaterThan(fenced[index]!.fence);
    sessions = [...sessions, ...back];
    await isWhole();
  });

  it('do not notice that Redis is killed and returns with its file, which may lack the last second', async () => {
    await cluster.redis.kill();
    await rounds();
    await cluster.redis.start();
    await isWhole();
    await keysKeepTheirHolders();
  });

  it('do not notice 20 s without Redis, its empty return, nor FLUSHALL soon after; unused ones end after it', async () => {
    await withUnused(async (unused) => {
      const since = Date.now();
      await cluster.redis.stop();
      await cluster.redis.lose();
      await wait(since + REDIS_AWAY_MS - Date.now());
      await allRun(unused);
      const back = Date.now();
      await cluster.redis.start();
      await isWhole(unused);
      await cluster.redis.flush();
      flushedAt = performance.now();
      return back;
    }, DEADLINES.leaseGiveAway);
  });

  it('do not notice that replicas trust the refilled store again; each key keeps its holder', async () => {
    await refilled();
    await isWhole();
    await keysKeepTheirHolders();
  });

  it('do not notice FLUSHALL of a store that had settled; each key keeps its holder', async () => {
    await cluster.redis.flush();
    flushedAt = performance.now();
    await isWhole();
    await refilled();
    await isWhole();
    await keysKeepTheirHolders();
  });

  it('were served to the end', async () => {
    await rounds();
    await Promise.all([traffic, strictTraffic].map((each) => each.stop()));
    servesWell();
  });

  /** Waits until the store of the last FLUSHALL is trusted again, by every replica. */
  const refilled = () =>
    wait(Math.max(flushedAt + DEADLINES.refill + REPLICA_LATEST_MS - performance.now(), 0));

  async function keysKeepTheirHolders(): Promise<void> {
    for (const { id, key, kind } of sessions.filter((each) => each.key !== '')) {
      const { json } = await cluster.call('POST', '/v1/backends', {
        spec: { image: 'spawner/probe:latest', ...(kind === 'loose' ? { onLeaseLoss: 'CONTINUE' } : {}) },
        key: { name: key },
      });
      expect(json).toMatchObject({ spawned: false, backend: { id } });
    }
  }

  /** The refusal comes soon and may be tried again. */
  async function refusesToSpawn(): Promise<void> {
    const from = Date.now();
    const spec = { image: 'spawner/probe:latest' };
    expect(await cluster.call('POST', '/v1/backends', { spec })).toMatchObject({
      status: 503,
      json: { code: 'UNAVAILABLE' },
    });
    judge.expect({ what: 'the refusal to spawn', from, boundMs: FAILS_FAST_MS });
  }
});

/** A signal at a lease's deadline: the bound is what the deadline sets going. */
function ofLease(of: string, signal: string) {
  return { what: `the ${signal} of ${of} after its deadline`, boundMs: MARGIN_MS };
}
