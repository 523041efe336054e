import { randomBytes } from 'node:crypto';
import { type Bus, QueuePositions, SUBJECTS } from '@spawner/bus';
import { type Backend, Spawner } from '@spawner/client';
import { AppError, newBackendId, systemClock } from '@spawner/domain';
import { ActivityMemory } from '@spawner/gateway/activity';
import { serveHttp } from '@spawner/gateway/http/server';
import { createMetrics } from '@spawner/gateway/metrics';
import { publicApi } from '@spawner/gateway/public-api';
import { eventually, type Nats, type Redis, startNats, startRedis, startTimeJudge } from '@spawner/testkit';
import { type DelayedDrone, type DelayedDroneOptions, delayedDrone } from './delayed-drone.ts';
import { log, scene } from './scheduler-scene.ts';

const FAST_MS = 300;
const SLOW_MS = 1_500;
const PLACES = 2;

let redis: Redis;
let nats: Nats;

beforeAll(async () => {
  [redis, nats] = await Promise.all([startRedis(), startNats()]);
});
afterEach(() => redis.flush());
afterAll(async () => {
  await Promise.all([redis?.stop(), nats?.stop()]);
});

/** A scheduler and a gateway before drones whose engines take their time. */
async function world(...drones: DelayedDroneOptions[]) {
  await using stack = new AsyncDisposableStack();
  const at = stack.use(await scene(redis, nats));
  const { scheduler } = at;
  const bus: Bus = at.bus;
  const made: Record<string, DelayedDrone> = {};
  for (const options of drones) made[options.id] = stack.use(await delayedDrone(scheduler, bus, options));
  await eventually(async () => {
    const { drones: known } = await scheduler.listDrones({});
    expect(known.filter(({ pendingStarts }) => pendingStarts !== undefined)).toHaveLength(drones.length);
  });
  const [clock, metrics] = [systemClock, createMetrics()];
  const queue = new QueuePositions('test', clock);
  const hearing = bus.subscribe(SUBJECTS.droneQueue, undefined, (message) => queue.take(message));
  stack.defer(() => hearing.close());
  await hearing.established();
  const api = publicApi({
    ...{ scheduler, clock, queue, metrics, randomBytes, random: Math.random },
    activity: new ActivityMemory('test', clock),
    urls: { urlScheme: 'http', urlPort: 80, clusterDomain: 'test.localhost' },
    hints: (id, take) => bus.subscribe(SUBJECTS.backendState, id, take),
  });
  const http = await serveHttp(api, {
    ...{ address: '127.0.0.1', port: 0, log, clock, metrics },
    ...{ allowedOrigins: [], demoImage: 'demo', admin: (_request, response) => void response.end() },
  });
  stack.defer(() => http.close());
  const spawner = new Spawner({ url: `http://127.0.0.1:${http.port}` });
  const kept = stack.move();
  return { spawner, drones: made, scheduler, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

const spec = { image: 'image' };
const many = (spawner: Spawner, count: number) =>
  Promise.all(Array.from({ length: count }, () => spawner.spawn(spec)));

describe('spawns and the queues of drones', () => {
  it('go where they start soonest if one drone of two is five times slower', async () => {
    await using at = await world({ id: 'fast', startMs: FAST_MS }, { id: 'slow', startMs: SLOW_MS });
    const { spawner } = at;
    // Each drone measures a start.
    const first = await many(spawner, 2);
    expect(new Set(first.map(({ droneId }) => droneId)).size).toBe(2);
    await Promise.all(first.map(({ id }) => spawner.untilReady(id)));
    const measured = await eventually(async () => {
      const { drones } = await at.scheduler.listDrones({});
      const waits = Object.fromEntries(drones.map(({ id, expectedWaitMs = 0 }) => [id, expectedWaitMs]));
      expect([waits.fast, waits.slow].every((ms) => ms && ms > 0)).toBe(true);
      return waits;
    });
    using judge = startTimeJudge();
    const from = Date.now();
    const placed = await many(spawner, 50);
    await Promise.all(placed.map(({ id }) => spawner.untilReady(id)));
    const toFast = placed.filter(({ droneId }) => droneId === 'fast').length;
    const lastOf = (fast: number, fastMs = FAST_MS, slowMs = SLOW_MS) =>
      Math.max(Math.ceil(fast / PLACES) * fastMs, Math.ceil((50 - fast) / PLACES) * slowMs);
    const bestOf = (...ms: number[]) =>
      Math.min(...Array.from({ length: 51 }, (_, fast) => lastOf(fast, ...ms)));
    // By the durations that the drones had measured, the last is at most one slow start later than with the best split.
    const { fast = 0, slow = 0 } = measured;
    expect(lastOf(toFast, fast, slow)).toBeLessThanOrEqual(bestOf(fast, slow) + slow);
    // The whole takes at most a third longer than that.
    judge.expect({ what: 'the herd', from, boundMs: (bestOf() + SLOW_MS) * 1.33 });
    const last = await spawner.explain(placed.at(-1)?.id ?? '');
    expect(last.placement?.candidates?.expectedWaitMs).toBeGreaterThan(FAST_MS);
  });

  it('tell each waiting backend its place, and the places are served in their order', async () => {
    await using at = await world({ id: 'only', startMs: 400, atOnce: 1 });
    const { spawner, drones } = at;
    const placed = await many(spawner, 6);
    const order: string[] = [];
    const positions = async ({ id }: Backend) => {
      const seen: number[] = [];
      for await (const { queuePosition, state } of spawner.watch(id)) {
        if (queuePosition !== undefined) seen.push(queuePosition);
        if (state === 'STARTING') order.push(id);
        if (state === 'READY') return seen;
      }
      return seen;
    };
    const watched = Promise.all(placed.map(positions));
    const explained = await eventually(async () => {
      const answers = await Promise.all(placed.map(({ id }) => spawner.explain(id)));
      const third = answers.find(({ backend }) => backend.queuePosition === 3);
      if (!third?.backend.expectedWaitMs) throw new Error('none is third, or nothing was measured');
      return third;
    });
    expect(explained.summary).toMatch(
      /^LOADING: it is 3rd in the queue of its drone; about [\d.]+ m?s are left\.$/,
    );
    for (const seen of await watched) expect(seen).toEqual(seen.toSorted((one, other) => other - one));
    expect(drones.only?.created).toEqual(order);
  });

  it('leave a queue at no cost when they are cancelled', async () => {
    await using at = await world({ id: 'only', startMs: 500, atOnce: 1 });
    const { spawner, drones } = at;
    const placed = await many(spawner, 10);
    const cancelled = placed.slice(2);
    await Promise.all(cancelled.map(({ id }) => spawner.terminate(id)));
    await Promise.all(placed.slice(0, 2).map(({ id }) => spawner.untilReady(id)));
    for (const { id } of cancelled) {
      await eventually(async () => expect((await spawner.get(id)).state).toBe('TERMINATED'));
      expect((await spawner.get(id)).endReason).toBe('REQUESTED');
    }
    expect(drones.only?.starts.waiting).toBe(0);
    // The call order of a herd is not the order of its placements: any may have begun before it was cancelled.
    expect(drones.only?.created.length).toBeLessThanOrEqual(3);
    await eventually(async () => {
      const { drones: known } = await at.scheduler.listDrones({});
      expect(known[0]).toMatchObject({ pendingStarts: 0, reserved: { backends: 2 } });
    });
  });

  it('go to another drone if one queue is full, and are refused only if all are', async () => {
    await using at = await world(
      { id: 'a', startMs: 5_000, atOnce: 1, most: 3 },
      { id: 'b', startMs: 5_000, atOnce: 1, most: 5 },
    );
    const { spawner, drones } = at;
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => spawner.spawn(spec)));
    const placed = outcomes.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const refused = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    for (const error of refused)
      expect(error).toMatchObject({
        ...{ code: 'RESOURCE_EXHAUSTED', status: 429 },
        message: expect.stringMatching(/^no drone has room: of 2, 2 /),
      });
    // One start of each drone has a place, and the others wait.
    const onOne = (id: string) => placed.filter(({ droneId }) => droneId === id).length;
    for (const [id, most] of [
      ['a', 3],
      ['b', 5],
    ] as const) {
      expect(onOne(id)).toBeGreaterThanOrEqual(most);
      expect(onOne(id)).toBeLessThanOrEqual(most + 1);
    }
    expect(refused.length).toBeGreaterThanOrEqual(20 - (3 + 1 + 5 + 1));
    expect(drones.a?.agent.drone.living()).toHaveLength(onOne('a'));
    expect(drones.b?.agent.drone.living()).toHaveLength(onOne('b'));
    // Room is found again when a start that waits is cancelled.
    const waiting = placed.find(
      ({ id }) => !drones.a?.created.includes(id) && !drones.b?.created.includes(id),
    );
    await spawner.terminate(waiting?.id ?? '');
    await eventually(() => spawner.spawn(spec));
  });

  it('fail for want of room if their drone refuses them for it, and go to another one the next time', async () => {
    await using at = await scene(redis, nats);
    const takes = async () => {
      throw new AppError('exhausted', 'the start queue is full');
    };
    await at.drone('a', { takes });
    await expect(at.spawn({ id: newBackendId(randomBytes), spec })).rejects.toMatchObject({
      code: 'exhausted',
      message: 'the start queue of drone a is full',
    });
    const b = await at.drone('b');
    await at.spawn({ id: newBackendId(randomBytes), spec });
    expect(b.started).toHaveLength(1);
  });
});
