/** What a scheduler leaves half done, because it dies or stands still or its store does, and who goes on with it. */
import { randomBytes } from 'node:crypto';
import { DEADLINES, newBackendId } from '@spawner/domain';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { type Nats, type Redis, startNats, startRedis } from '@spawner/testkit';
import { scene } from './scheduler-scene.ts';

const { READY, TERMINATED } = BackendState;
const id = () => newBackendId(randomBytes);
const spec = { image: 'app' };
const key = { namespace: '', name: 'room', tag: '' };

type Scene = Awaited<ReturnType<typeof scene>>;

describe('what a scheduler has begun', () => {
  let redis: Redis;
  let nats: Nats;
  beforeAll(async () => {
    [redis, nats] = await Promise.all([startRedis(), startNats()]);
  });
  afterAll(async () => {
    await redis?.stop();
    await nats?.stop();
  });
  beforeEach(() => redis.flush());

  const of = async ({ scheduler }: Scene, backend: string) =>
    (await scheduler.getBackend({ id: backend })).backend!;

  it('is started by whoever is asked again, where the store stood still and its answer came too late', async () => {
    await using at = await scene(redis, nats);
    const a = await at.drone('a');
    const [before, plain, keyed] = [id(), id(), id()];
    await at.spawn({ id: before, spec });
    await at.store.send(['CLIENT', 'PAUSE', '2500', 'ALL']);
    const calls = [at.spawn({ id: plain, spec }), at.spawn({ id: keyed, spec, key })];
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'unavailable' });
    const again = [
      await at.spawn({ id: plain, spec, repeated: true }),
      await at.spawn({ id: keyed, spec, key, repeated: true }),
    ];
    expect(again.map(({ spawned }) => spawned)).toEqual([true, true]);
    expect(a.started.map((start) => start.id).sort()).toEqual([before, plain, keyed].sort());
    expect(a.started.find((start) => start.id === keyed)).toMatchObject({
      key,
      placement: again[1]?.backend?.fence,
      createTime: again[1]?.backend?.createTime,
    });
    await a.renew({ id: plain, state: READY, revision: 4 }, { id: keyed, state: READY, revision: 4 });
    await at.pass(DEADLINES.reservation + 1);
    for (const each of [plain, keyed]) expect((await of(at, each)).state).toBe(READY);
  });

  it('ends the strict keys of a lost drone, though a scheduler dies once it has found that the lease is over', async () => {
    await using at = await scene(redis, nats);
    const a = await at.drone('a');
    await at.turn();
    const holder = id();
    await at.spawn({ id: holder, spec, key });
    await a.renew({ id: holder, state: READY, revision: 4 });
    await at.store.send(['HINCRBY', 'spawner:{test}:clock', 'now', String(DEADLINES.leaseGiveAway + 1)]);
    expect((await at.nodeStore.sweep()).entries).toContain('lease/a');
    expect(await at.nodeStore.lapse('a')).toBe(true);
    await at.pass(5_001);
    expect(await of(at, holder)).toMatchObject({ state: TERMINATED, endReason: EndReason.LEASE_LOST });
  });

  it('ends nothing of a drone that has registered anew while its inventory was still being taken', async () => {
    await using slow = await scene(redis, nats);
    await using at = await scene(redis, nats);
    let goOn = () => {};
    const paused = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const { backendStore } = slow;
    const { node } = await at.drone('a');
    const standing = new Promise<void>((stands) => {
      const living = backendStore.living.bind(backendStore);
      backendStore.living = async (drone) => {
        stands();
        await paused;
        return living(drone);
      };
    });
    const late = slow.scheduler.registerNode({ node, inventory: [], highestPlacement: 0 });
    await standing;
    const a = await at.drone('a');
    const used = id();
    await at.spawn({ id: used, spec });
    await a.renew({ id: used, state: READY, revision: 4 });
    goOn();
    await late;
    expect(await of(at, used)).toMatchObject({ state: READY });
  });
});
