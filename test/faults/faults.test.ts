/**
 * What a session's users may notice of faults in the parts around it: nothing. Every session here has a short idle
 * timeout, so that a use which is not seen would end it.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { DEADLINES } from '@spawner/domain';
import { eventually } from '@spawner/testkit';
import type { BackendJson } from '../cluster/api.ts';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { startTraffic, type Traffic } from './traffic.ts';

const SESSIONS = 10;
const UNUSED = 3;
const IDLE_TIMEOUT_MS = 3_000;
const IDLE_LATEST_MS = IDLE_TIMEOUT_MS + 6_000;
const WHOLE_WITHIN_MS = 5_000;
const REFILLED_WITHIN_MS = 10_000;
const NATS_AWAY_MS = 10_000;
const REDIS_AWAY_MS = 15_000;
/** From the end of the refill: a replica looks up from its blocking read by then. */
const REPLICA_LATEST_MS = 10_000;

describe('sessions in use', () => {
  let cluster: Cluster;
  let traffic: Traffic;
  let sessions: string[] = [];
  let flushedAt = 0;
  beforeAll(async () => {
    cluster = await startCluster({ runtime: 'process' });
    sessions = await spawn(SESSIONS);
    traffic = await startTraffic(cluster, sessions);
    await traffic.round();
  });
  afterAll(async () => {
    if (traffic) process.stdout.write(`faults: ${JSON.stringify(traffic.figures())}\n`);
    await traffic?.stop();
    await cluster?.stop();
  });
  beforeEach(() => expect(traffic.takeFailures()).toEqual([]));

  const spawn = (count: number, idleTimeoutMs = IDLE_TIMEOUT_MS) =>
    Promise.all(
      Array.from({ length: count }, async () => {
        const { id } = await cluster.spawnReady({ image: 'spawner/probe:latest', idleTimeoutMs });
        return id;
      }),
    );

  /** All sessions and those of `unused` that live still, what the drone has promised them, and what all users get. */
  async function isWhole(withinMs: number, unused: string[] = []): Promise<void> {
    const since = performance.now();
    await eventually(
      async () => {
        const { json } = await cluster.call('GET', '/v1/backends?pageSize=1000');
        const living = (json.backends ?? []).filter(({ state }) => state !== 'TERMINATED');
        const inUse = living.filter(({ id }) => !unused.includes(id));
        expect(inUse.map(({ id, state }) => `${id} ${state}`).sort()).toEqual(
          sessions.map((id) => `${id} READY`).sort(),
        );
        const { json: fleet } = await cluster.call('GET', '/v1/drones');
        expect(fleet.drones).toMatchObject([{ id: 'drone-1', state: 'READY' }]);
        expect(Number(fleet.drones?.[0]?.reserved?.backends)).toBe(living.length);
      },
      { timeoutMs: withinMs },
    );
    const tookMs = Math.round(performance.now() - since);
    process.stdout.write(`faults: ${expect.getState().currentTestName}: whole after ${tookMs} ms\n`);
    await traffic.round();
    expect(traffic.takeFailures()).toEqual([]);
  }

  /** Sessions that nobody uses while `fault` lasts: none ends before `fault` is over, each does in time after it, and not while a store that lost everything is spared (`spareMs`). */
  async function withUnused(
    fault: () => Promise<unknown>,
    wholeWithinMs: number,
    spareMs = 0,
  ): Promise<void> {
    const unused = await spawn(UNUSED);
    await fault();
    const returned = Date.now();
    await isWhole(wholeWithinMs, unused);
    for (const id of unused) {
      const ended = await cluster.inState(id, 'TERMINATED', spareMs + IDLE_LATEST_MS);
      expect(ended.endReason).toBe('IDLE');
      expect(endOf(ended) - returned).toBeGreaterThanOrEqual(spareMs);
      expect(endOf(ended) - returned).toBeLessThan(spareMs + IDLE_LATEST_MS);
    }
    await isWhole(WHOLE_WITHIN_MS);
  }

  /** The agent's own count, for when no store can be asked. */
  const livingOnDrone = async () =>
    Number(/^spawner_agent_backends\S* (\d+)/m.exec(await cluster.agent.admin('/metrics'))?.[1]);

  it.each(['gateway', 'scheduler', 'agent', 'dns', 'certificates'] as const)(
    'do not notice that %s is killed and started again',
    async (service) => {
      await cluster[service].kill();
      await traffic.round();
      await cluster[service].start();
      await cluster[service].ready();
      await isWhole(WHOLE_WITHIN_MS);
    },
  );

  it('do not notice 10 s without NATS; those that nobody uses end after it, not during it', async () => {
    await withUnused(async () => {
      await cluster.nats.kill();
      await wait(NATS_AWAY_MS);
      expect(await livingOnDrone()).toBe(SESSIONS + UNUSED);
      await cluster.nats.start();
    }, WHOLE_WITHIN_MS);
  });

  it('do not notice 15 s without Redis, nor that it comes back empty; those that nobody uses end after it', async () => {
    await withUnused(
      async () => {
        await cluster.redis.stop();
        await wait(REDIS_AWAY_MS);
        expect(await livingOnDrone()).toBe(SESSIONS + UNUSED);
        await cluster.redis.start();
      },
      REFILLED_WITHIN_MS,
      DEADLINES.leaseGiveAway,
    );
  });

  it('do not notice FLUSHALL; those that nobody uses end after it', async () => {
    await withUnused(
      async () => {
        await cluster.redis.flush();
        flushedAt = performance.now();
      },
      REFILLED_WITHIN_MS,
      DEADLINES.leaseGiveAway,
    );
  });

  it('do not notice that replicas take the refilled store for the whole truth', async () => {
    await wait(Math.max(flushedAt + DEADLINES.refill + REPLICA_LATEST_MS - performance.now(), 0));
    await isWhole(WHOLE_WITHIN_MS);
  });
});

function endOf({ events = [] }: BackendJson): number {
  return Date.parse(events.find(({ state }) => state === 'TERMINATING')?.time ?? '');
}
