/**
 * Idleness, both ways: a session in use never ends, and an unused one always does. Users come and go by a thousand
 * drawn schedules through proxies of which one is killed or frozen now and then; `npm test` lives a part of them.
 */
import { openRedis, type Redis } from '@spawner/store';
import {
  eventually,
  leaveUnjudged,
  seeded,
  startTimeJudge,
  startVanishing,
  type TempDir,
  type TimeJudge,
  tempDir,
  testLog,
  type Vanishing,
} from '@spawner/testkit';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { atMost } from './at-most.ts';
import { mutatedServices } from './mutations.ts';
import { type Outage, Proxies } from './proxies.ts';
import { routeOf } from './routes.ts';
import { lastMomentOf, scheduleOf } from './schedule.ts';
import { type Life, live, unlived, WITHIN_MS, type World } from './session.ts';

const SEED = Number(process.env.SPAWNER_TEST_SEED ?? 20_261);
const SCHEDULES = Number(process.env.SPAWNER_TEST_SCHEDULES ?? 150);
/** One schedule alone. */
const ONLY = process.env.SPAWNER_TEST_SCHEDULE;
const AT_ONCE = 24;
/** Starting a program takes more of the machine than all that is done with it. */
const STARTS_AT_ONCE = 4;
/** So many begin first and run beside the others: it takes up to 80 s to find a peer that vanished. */
const VANISHING = Number(process.env.SPAWNER_TEST_VANISHING ?? 4);
const PROXIES = 3;
const TROUBLE_EVERY_MS = Number(process.env.SPAWNER_TEST_TROUBLE_MS ?? 10_000);
/** From this number on: sessions beside the schedules, last used when a proxy is killed. */
const LAST_MOMENTS = 1_000_000;
/** The last of so many parts runs after a proxy was killed and stays away. */
const LAST = 5;
/** A deliberate fault of a service (mutations.ts), to see that this suite finds it. */
const MUTATION = process.env.SPAWNER_TEST_MUTATION ?? '';
const LONGEST_MS = Math.max(300_000, SCHEDULES * 500);

describe(`sessions with drawn schedules (seed ${SEED})`, () => {
  let cluster: Cluster;
  let store: Redis;
  let vanishing: Vanishing;
  let compiled: TempDir;
  let world: World;
  let judge: TimeJudge;
  beforeAll(async () => {
    const env = mutatedServices(MUTATION);
    cluster = await startCluster({ runtime: 'process', images: ['streams'], count: { proxy: PROXIES }, env });
    store = await openRedis(cluster.redis.url, testLog());
    vanishing = await startVanishing();
    const route = (id: string) => routeOf(store, cluster.name, id);
    compiled = await tempDir('compiled');
    const start = atMost(STARTS_AT_ONCE, async (spec: Record<string, unknown>) => {
      const { id } = await cluster.spawn(spec);
      const started = async () => {
        const backend = await cluster.backend(id);
        if (backend.events?.some(({ state }) => state === 'READY')) return backend;
        throw new Error(JSON.stringify(backend));
      };
      return eventually(started, { timeoutMs: 60_000 });
    });
    world = {
      cluster,
      start,
      compiled: compiled.path,
      vanishing,
      proxies: new Proxies(cluster.services.proxy),
      route,
      verdict: (bound) => judge.verdict(bound),
    };
    judge = startTimeJudge(cluster.pids);
  });
  afterAll(async () => {
    if (world) tell(all, await Promise.all(lastMoments), world.proxies.outages, judge.summary());
    judge?.[Symbol.dispose]();
    await vanishing?.[Symbol.asyncDispose]();
    await store?.close();
    await cluster?.stop();
    await compiled?.[Symbol.asyncDispose]();
  });

  /** All of them, a few at a time; those with a vanishing peer at once. */
  async function liveAll(numbers: readonly number[]): Promise<Life[]> {
    const lives: Life[] = [];
    const one = async (number: number) => {
      const isVanishing = number < VANISHING;
      const life = live(scheduleOf(SEED, number, isVanishing), world);
      lives.push(await life.catch((error: Error) => unlived(number, error)));
    };
    const short = numbers.filter((number) => number >= VANISHING);
    const users = async () => {
      for (let next = short.shift(); next !== undefined; next = short.shift()) await one(next);
    };
    const long = numbers.filter((number) => number < VANISHING);
    await Promise.all([...long.map(one), ...Array.from({ length: AT_ONCE }, users)]);
    return lives;
  }

  /** A session whose last use is through a proxy just before that is killed. */
  const lastMoments: Promise<Life>[] = [];
  async function lastMoment(part: number): Promise<void> {
    const number = LAST_MOMENTS + lastMoments.length;
    const used = Promise.withResolvers<void>();
    const life = live(lastMomentOf(number, part), world, used.resolve);
    const lived = life.catch((error: Error) => unlived(number, error));
    lastMoments.push(lived);
    await Promise.race([used.promise, lived]);
  }

  const expectWell = (lives: readonly Life[]) => {
    for (const { number, unjudged } of lives)
      for (const each of unjudged) leaveUnjudged(`schedule ${number}: ${each}`);
    const wrong = lives.flatMap((life) => life.wrong.map((each) => `schedule ${life.number}: ${each}`));
    expect(wrong).toEqual([]);
  };
  const numbers = ONLY === undefined ? [...Array(SCHEDULES).keys()] : [Number(ONLY)];
  const last = Math.floor(numbers.length / LAST);
  const all: Life[] = [];

  it(
    'serve every use and keep every stream while in use, and end in time after it',
    async () => {
      const calm = new AbortController();
      const trouble = world.proxies.trouble(seeded(SEED), TROUBLE_EVERY_MS, calm.signal, lastMoment);
      try {
        all.push(...(await liveAll(numbers.slice(0, numbers.length - last))));
      } finally {
        calm.abort();
        await trouble;
      }
      expectWell([...all, ...(await Promise.all(lastMoments))]);
    },
    LONGEST_MS,
  );

  it('do so too while a proxy stays away, without waiting for its answer', async () => {
    await world.proxies.lose(seeded(SEED)());
    const lives = await liveAll(numbers.slice(numbers.length - last));
    all.push(...lives);
    expectWell(lives);
    expect(all).toHaveLength(numbers.length);
  });
});

function tell(
  lives: readonly Life[],
  lastMoments: readonly Life[],
  outages: readonly Outage[],
  processorWait: string,
): void {
  const sum = (count: (life: Life) => number) => lives.reduce((total, life) => total + count(life), 0);
  const times = (kind: Outage['kind']) => outages.filter((outage) => outage.kind === kind).length;
  const latest = (some: readonly Life[]) => Math.max(0, ...some.map(({ lateMs }) => Math.round(lateMs)));
  const [vanished, heldUp] = [
    lives.filter(({ number, heldUp }) => number < VANISHING && !heldUp),
    lives.filter(({ heldUp }) => heldUp),
  ];
  process.stdout.write(
    `idle: ${lives.length} schedules: ${sum((life) => life.counts.request)} requests, ` +
      `${sum((life) => life.counts.stream)} streams, ${sum((life) => life.counts.webSocket)} WebSockets, ` +
      `${sum(({ endedInUse }) => Number(endedInUse))} ended while in use, latest end ` +
      `${latest(lives.filter(({ number, heldUp }) => number >= VANISHING && !heldUp))} ms after its timeout, ` +
      `${latest(vanished)} ms of the ${vanished.length} whose peer vanished (${WITHIN_MS} allowed)\n` +
      `idle: ${sum(({ over }) => over)} uses were answered 410 after the end; proxies killed ${times('killed')}, frozen ${times('frozen')} times, ` +
      `${sum(({ reconnects }) => reconnects)} uses begun again through another; ` +
      `${heldUp.length} clocks began again with a proxy's death or return, latest end ${latest(heldUp)} ms after their timeout; ` +
      `${lastMoments.length} sessions were used last when their proxy was killed, latest end ${latest(lastMoments)} ms; ` +
      `${processorWait}\n`,
  );
}
