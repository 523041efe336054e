/** Idle shutdown with clients that come at that very moment: a request is served, or answered that the session is over. */
import { setTimeout as pause } from 'node:timers/promises';
import { RouteState } from '@spawner/proto/internal/route';
import { openRedis, type Redis } from '@spawner/store';
import { request, seeded, startTimeJudge, type TimeJudge, testLog } from '@spawner/testkit';
import { type BackendJson, type Cluster, startCluster } from '../cluster/cluster.ts';
import { goneAt } from '../cluster/process-end.ts';
import { routeOf } from './routes.ts';

const SEED = Number(process.env.SPAWNER_TEST_SEED ?? 20_261);
const SESSIONS = 40;
const AT_ONCE = 5;
/** How many uses a session gets at most, so that each ends. */
const USES = 4;
const WITHIN_MS = 3_000;
/** An event's time is cut to milliseconds. */
const ROUNDING_MS = 5;

interface Session {
  backend: BackendJson;
  idleTimeoutMs: number;
  /** Each request after the first: its time after the use before it, the status, and the route's state then. */
  requests: { afterMs: number; status: number; routeState: RouteState | undefined }[];
  /** Wall times before and after the last use. */
  usedFrom: number;
  usedAt: number;
  /** Wall time at which the program was really gone. */
  gone: Promise<number>;
}

describe('sessions that end for idleness', () => {
  let cluster: Cluster;
  let store: Redis;
  let judge: TimeJudge;
  beforeAll(async () => {
    cluster = await startCluster({ runtime: 'process', count: { proxy: 2 } });
    judge = startTimeJudge(cluster.pids);
    store = await openRedis(cluster.redis.url, testLog());
  });
  afterAll(async () => {
    judge?.[Symbol.dispose]();
    await store?.close();
    await cluster?.stop();
  });

  const get = (proxy: number, id: string) =>
    request({
      port: cluster.services.proxy[proxy]?.port ?? 0,
      host: `${id}.${cluster.domain}`,
      path: '/name',
    });
  const routeState = async (id: string) => (await routeOf(store, cluster.name, id))?.state;

  /** Uses a session now and then, each time about when its clock runs out, until it is over. */
  async function live(number: number): Promise<Session> {
    const random = seeded(SEED + number);
    const idleTimeoutMs = 300 + Math.floor(random() * 500);
    const name = `n${number}`;
    const since = Date.now();
    const backend = await cluster.spawn({
      image: 'spawner/probe:latest',
      env: { NAME: name },
      idleTimeoutMs,
    });
    // The request is held until the backend is ready: its idle clock cannot run out before the first use.
    expect((await get(0, backend.id)).body).toBe(name);
    const usedAt = Date.now();
    const program = cluster.processOf(backend.id);
    if (!program) throw new Error(`${backend.id} has no process`);
    const gone = goneAt(program);
    const session: Session = { backend, idleTimeoutMs, requests: [], usedFrom: since, usedAt, gone };
    for (let use = 0; use < USES; use++) {
      // Settling begins within a turn of the agent after the timeout.
      const afterMs = idleTimeoutMs - 50 + Math.floor(random() * 350);
      await pause(Math.max(0, session.usedAt + afterMs - Date.now()));
      const from = Date.now();
      const { status, body } = await get(random() < 0.5 ? 0 : 1, backend.id);
      const at = Date.now();
      session.requests.push({ afterMs, status, routeState: await routeState(backend.id) });
      if (status !== 200) break;
      expect(body).toBe(name);
      Object.assign(session, { usedFrom: from, usedAt: at });
    }
    return session;
  }

  it(`serve every request or answer that they are over, and end in time (${SESSIONS} sessions, seed ${SEED})`, async () => {
    const sessions: Session[] = [];
    let next = 0;
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while (next < SESSIONS) sessions.push(await live(next++));
      }),
    );
    const requests = sessions.flatMap((session) => session.requests);
    const odd = requests.filter(({ status }) => status !== 200 && status !== 410);
    expect(odd).toEqual([]);
    const told = requests.filter(({ status }) => status === 410);
    // The end was in the store before any client got a 410.
    expect(told.filter((each) => each.routeState !== RouteState.ENDED)).toEqual([]);

    const [lateness, spare]: [number[], number[]] = [[], []];
    for (const { backend, idleTimeoutMs, usedFrom, usedAt, gone } of sessions) {
      const ended = await cluster.inState(backend.id, 'TERMINATED');
      expect(ended.endReason).toBe('IDLE');
      const endedAt = await gone;
      const dueAt = usedAt + idleTimeoutMs;
      judge.expect({
        what: `the idle shutdown of ${backend.id}`,
        from: dueAt,
        to: endedAt,
        boundMs: WITHIN_MS,
      });
      lateness.push(endedAt - dueAt);
      spare.push(endedAt - usedFrom - idleTimeoutMs);
    }
    const late = Math.max(...lateness);
    const settlements = await cluster.scheduler.admin('/metrics');
    const count = (outcome: string) =>
      new RegExp(`scheduler_settlements\\S*outcome="${outcome}"\\S* (\\d+)`).exec(settlements)?.[1] ?? '0';
    process.stdout.write(
      `idle: settled: ${sessions.length} sessions, ${requests.length} requests: ${requests.length - told.length} served, ` +
        `${told.length} told 410, ${odd.length} otherwise; settled ${count('open')} given back, ${count('ended')} ended; ` +
        `latest end ${Math.round(late)} ms after the timeout; ${judge.summary()}\n`,
    );
    expect(Math.min(...spare)).toBeGreaterThanOrEqual(-ROUNDING_MS);
    expect(Number(count('ended'))).toBeGreaterThanOrEqual(SESSIONS);
    // Without both outcomes of the race it was not exercised.
    const exercised = {
      served: requests.length > told.length,
      told: told.length > 0,
      givenBack: Number(count('open')) > 0,
    };
    expect(exercised).toEqual({ served: true, told: true, givenBack: true });
  });
});
