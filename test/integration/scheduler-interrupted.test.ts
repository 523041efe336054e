/** Work that a scheduler leaves half done, because it or its store died or stalled, and how it is completed. */
import { randomBytes } from 'node:crypto';
import { DEADLINES, newBackendId } from '@spawner/domain';
import { InventoryEntry } from '@spawner/proto/internal/backend_status';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import { RenewVerdict } from '@spawner/proto/internal/scheduler_service';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { type Nats, type Redis, startNats, startRedis } from '@spawner/testkit';
import { scene } from './scheduler-scene.ts';

const { READY, TERMINATED } = BackendState;
const id = () => newBackendId(randomBytes);
const spec = { image: 'app' };
const key = { namespace: '', name: 'room', tag: '' };

/** One line of an inventory: a backend that is ready and holds the key. */
const line = (of: string) =>
  InventoryEntry.fromPartial({
    status: { id: of, state: READY, revision: 5 },
    spec: { image: 'app' },
    createTime: new Date(5),
    placement: 5,
    key,
  });

/** A pause that a test can observe and end. */
function standstill() {
  const [stands, goesOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const pause = () => {
    stands.resolve();
    return goesOn.promise;
  };
  return { pause, standing: stands.promise, goOn: goesOn.resolve };
}

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

  it('is started by a repeated spawn after the store stalled and its answer came too late', async () => {
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

  it('ends nothing of a drone that registers again while its inventory is still being stored', async () => {
    await using slow = await scene(redis, nats);
    await using at = await scene(redis, nats);
    const { backendStore } = slow;
    const { node } = await at.drone('a');
    const living = backendStore.living.bind(backendStore);
    const { pause, standing, goOn } = standstill();
    backendStore.living = async (drone) => {
      await pause();
      return living(drone);
    };
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

  it('refuses a registration that comes after one that its drone sent later, and believes nothing of it', async () => {
    await using at = await scene(redis, nats);
    const a = await at.drone('a');
    const send = (sequence: number, ...inventory: InventoryEntry[]) =>
      at.scheduler.registerNode({ node: a.node, inventory, highestPlacement: 0, sequence });
    const used = id();
    const { registration } = await send(7, line(used));
    const late = [await send(6), await send(7)];
    expect(late).toMatchObject([
      { registration: 0, overtakenBy: 7 },
      { registration: 0, overtakenBy: 7 },
    ]);
    expect(await of(at, used)).toMatchObject({ state: READY });
    const renewal = {
      kind: NodeKind.DRONE,
      id: 'a',
      registration,
      changed: [],
      proxiesVersion: 0,
    };
    expect(await at.scheduler.renewNode(renewal)).toMatchObject({ verdict: RenewVerdict.GRANTED });
    await send(8);
    expect(await of(at, used)).toMatchObject({ state: TERMINATED, endReason: EndReason.DRONE_LOST });
  });

  it('writes nothing of a drone whose registration was lost with the store, since no lease would ever end it', async () => {
    await using slow = await scene(redis, nats);
    await using at = await scene(redis, nats);
    const { backendStore } = slow;
    const { node } = await at.drone('a');
    const restore = backendStore.restore.bind(backendStore);
    const { pause, standing, goOn } = standstill();
    backendStore.restore = async (...line) => {
      await pause();
      return restore(...line);
    };
    const late = slow.scheduler.registerNode({ node, inventory: [line(id())], highestPlacement: 0 });
    await standing;
    await redis.flush();
    await at.drone('b');
    goOn();
    await late;
    await at.pass(DEADLINES.leaseGiveAway + 1);
    await at.drone('b');
    expect(await at.spawn({ id: id(), spec, key })).toMatchObject({ spawned: true });
  });

  it('has a deadline from the first step of a registration on', async () => {
    await using at = await scene(redis, nats);
    const holder = id();
    const node = Node.fromPartial({
      kind: NodeKind.DRONE,
      id: 'a',
      cpuMillis: 100,
      memoryBytes: 1e9,
      backends: 1,
    });
    const { status, ...rest } = line(holder);
    const registration = await at.nodeStore.register(node);
    await at.backendStore.restore('a', registration, { ...rest, status: status! });
    await at.pass(DEADLINES.leaseGiveAway + 1);
    expect(await of(at, holder)).toMatchObject({ state: TERMINATED, endReason: EndReason.LEASE_LOST });
    await at.pass(DEADLINES.droneForgotten);
    expect((await at.scheduler.listDrones({})).drones).toEqual([]);
  });

  it.each(['renewal', 'inventory'])(
    'ends though its drone, whose disk lost its last lines, tells the end in its %s under a revision that was',
    async (way) => {
      await using at = await scene(redis, nats);
      const a = await at.drone('a');
      const holder = id();
      await at.spawn({ id: holder, spec, key });
      const events = [40, 50].map((state, index) => ({ state: state as BackendState, revision: index + 3 }));
      await a.renew({ id: holder, state: READY, revision: 4, events });
      const seen = (await of(at, holder)).revision;
      const end = { state: TERMINATED, revision: 4 };
      const status = {
        id: holder,
        ...end,
        endReason: EndReason.FAILED,
        events: [{ state: 60 as const, revision: 3 }, end],
      };
      const { ended } =
        way === 'renewal' ? await a.renew(status) : await a.register({ ...line(holder), status });
      expect(ended).toEqual([holder]);
      const backend = await of(at, holder);
      expect(backend).toMatchObject({ state: TERMINATED, endReason: EndReason.FAILED });
      expect(backend.revision).toBeGreaterThan(seen);
      expect(backend.events.at(-1)).toMatchObject({ state: TERMINATED, revision: backend.revision });
      expect((await at.spawn({ id: id(), spec, key })).spawned).toBe(true);
    },
  );
});
