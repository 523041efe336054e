import { DEADLINES } from '@spawner/domain';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { placements } from './placement-fixture.ts';

let store: Awaited<ReturnType<typeof placements>>;

beforeEach(async () => {
  store = await placements();
});
afterEach(() => store[Symbol.asyncDispose]());

/** Places this many backends, and counts them by drone. */
async function herd(count: number): Promise<Record<string, number>> {
  const split: Record<string, number> = {};
  for (let each = 0; each < count; each++) {
    const { drone = 'none' } = await store.place();
    split[drone] = (split[drone] ?? 0) + 1;
  }
  return split;
}

/** When the last of so many starts is ready. */
const lastOf = (starts: number, places: number, startMs: number) => Math.ceil(starts / places) * startMs;

describe('a placement among drones with queues', () => {
  it('is by load while no queue is known, and while every drone has a free place', async () => {
    for (const id of ['a', 'b']) await store.register(id);
    expect(await herd(10)).toEqual({ a: 5, b: 5 });
    for (const id of ['a', 'b']) await store.renew(id, { places: 50, startMs: id === 'a' ? 200 : 1_000 });
    expect(await herd(10)).toEqual({ a: 5, b: 5 });
  });

  it('avoids the least loaded drone if its queue is long, and says why', async () => {
    for (const id of ['busy', 'loaded']) await store.register(id);
    for (let loads = 0; loads < 2; loads++) await store.place();
    await store.renew('busy', { pending: 12, startMs: 500 });
    await store.renew('loaded', { startMs: 500 });
    const { id, drone } = await store.place();
    expect(drone).toBe('loaded');
    expect((await store.backends.get(id))?.candidates).toMatchObject({
      ...{ known: 2, stale: 0, full: 0, later: 1 },
      expectedWaitMs: 500,
    });
    await store.renew('busy', { pending: 0, startMs: 500 });
    expect((await store.place()).drone).toBe('busy');
  });

  it('forgets the queue of a drone that registers again at once, before its inventory is in', async () => {
    const node = {
      kind: NodeKind.DRONE,
      id: 'returned',
      cpuMillis: 100_000,
      memoryBytes: 1e12,
      backends: 10,
    };
    await store.register('busy');
    await store.register('returned', node);
    for (let loads = 0; loads < 2; loads++) await store.place();
    await store.renew('busy', { pending: 12, startMs: 500 });
    await store.renew('returned', { pending: 40, startMs: 500 });
    expect((await store.place()).drone).toBe('busy');
    await store.nodes.register(Node.fromPartial(node));
    expect((await store.place()).drone).toBe('returned');
  });

  it.each([
    [200, 1_000],
    [1_000, 5_000],
    [300, 300],
  ])(
    'splits 50 between renewals so that the last is ready soonest: starts of %d and %d ms',
    async (fast, slow) => {
      for (const id of ['fast', 'slow']) await store.register(id);
      await store.renew('fast', { startMs: fast });
      await store.renew('slow', { startMs: slow });
      const split = await herd(50);
      const last = (toFast: number) => Math.max(lastOf(toFast, 2, fast), lastOf(50 - toFast, 2, slow));
      const best = Math.min(...Array.from({ length: 51 }, (_, toFast) => last(toFast)));
      // A difference of a twentieth, or of 250 ms, is left to the load, and one start of the slow drone is the grain.
      expect(last(split.fast ?? 0)).toBeLessThanOrEqual(Math.max(best * 1.05, best + 250) + slow);
      expect(split.fast).toBeGreaterThanOrEqual(fast === slow ? 25 : 39);
    },
  );

  it('counts a placement once: beside the queue until the drone reports it, and in the queue from then on', async () => {
    await store.register('a');
    await store.renew('a', { startMs: 400 });
    const placed = [await store.place(), await store.place(), await store.place()];
    const pending = async () => (await store.nodes.use('a')).pendingStarts;
    expect(await store.nodes.use('a')).toMatchObject({ pendingStarts: 3, expectedWaitMs: 800 });
    await store.renew('a', { pending: 1, startMs: 400 });
    const [first, second, third] = placed.map(({ id }) => id);
    const loading = { state: BackendState.LOADING, revision: 2 };
    await store.report('a', first ?? '', loading);
    expect(await pending()).toBe(3);
    await store.report('a', first ?? '', { state: BackendState.STARTING, revision: 3 });
    expect(await pending()).toBe(3);
    const record = await store.backends.get(second ?? '');
    const end = { reason: EndReason.INTERNAL, detail: '', now: new Date() };
    if (record) await store.backends.abandon(record, 'unreported', end);
    expect(await pending()).toBe(2);
    await store.report('a', third ?? '', { state: BackendState.TERMINATED, revision: 1 });
    expect(await pending()).toBe(1);
    await store.renew('a', { pending: 0, startMs: 400 });
    expect(await store.nodes.use('a')).toMatchObject({ pendingStarts: 0, expectedWaitMs: 400 });
  });

  it('gives nothing to a queue without room, not even between renewals, and tells that all are full', async () => {
    for (const id of ['a', 'b']) await store.register(id);
    await store.renew('a', { room: 2 });
    await store.renew('b', { room: 0 });
    expect(await herd(3)).toEqual({ a: 2, none: 1 });
    expect(await store.place()).toMatchObject({ outcome: 'none', known: 2, full: 2, stale: 0 });
    await store.renew('b', { room: 1 });
    expect((await store.place()).drone).toBe('b');
  });

  it('takes a drone that has a free place and is much slower only if its queue is worth it', async () => {
    for (const id of ['quick', 'slow']) await store.register(id);
    await store.place();
    const [quick, slow] = [{ startMs: 100 }, { startMs: 5_000 }];
    await store.renew('slow', slow);
    await store.renew('quick', quick);
    expect((await store.place()).drone).toBe('quick');
    await store.renew('quick', { ...quick, pending: 200 });
    expect((await store.place()).drone).toBe('slow');
  });

  it('does not look behind eight drones that would be later, and takes the soonest', async () => {
    await store.register('soonest');
    for (let loads = 0; loads < 3; loads++) await store.place();
    await store.register('other');
    await store.place();
    for (let each = 0; each < 40; each++) {
      await store.register(`late${each}`);
      await store.renew(`late${each}`, { pending: 20, startMs: 1_000 });
    }
    await store.renew('soonest', { places: 10, startMs: 100 });
    await store.renew('other', { startMs: 110 });
    const { id, drone } = await store.place();
    expect(drone).toBe('soonest');
    expect((await store.backends.get(id))?.candidates).toMatchObject({ considered: 8, later: 8 });
  });

  it('is not misled by drones that are full or silent, however short their queues are', async () => {
    for (let each = 0; each < 40; each++) {
      await store.register(`full${each}`, { backends: 1 });
      await store.place();
    }
    for (const id of ['x', 'y']) await store.register(id);
    for (let each = 0; each < 40; each++) await store.renew(`full${each}`, { startMs: 1 });
    await store.renew('x', { pending: 30, startMs: 1_000 });
    await store.renew('y', { startMs: 1_000 });
    expect(await herd(6)).toEqual({ y: 6 });
    await store.redis.send(['HINCRBY', store.keys.clock, 'now', String(DEADLINES.renewalsMissed + 1)]);
    await store.nodes.miss('y');
    await store.renew('x', { pending: 30, startMs: 1_000 });
    expect(await herd(2)).toEqual({ x: 2 });
    expect((await store.nodes.use('y')).expectedWaitMs).toBeUndefined();
    await store.renew('y', { startMs: 1_000 });
    expect(await herd(2)).toEqual({ y: 2 });
  });
});
