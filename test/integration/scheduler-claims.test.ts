/** A drone may restore to a store that lost them only the backends that this cluster placed there. */
import { randomBytes } from 'node:crypto';
import { newBackendId } from '@spawner/domain';
import { SpecSummary } from '@spawner/proto/internal/backend_status';
import { RenewVerdict } from '@spawner/proto/internal/scheduler_service';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { SCRIPTS } from '@spawner/store';
import { type Nats, type Redis, startNats, startRedis } from '@spawner/testkit';
import { keys, scene } from './scheduler-scene.ts';

const { READY, TERMINATED } = BackendState;
const SECRET = 's'.repeat(32);
const id = () => newBackendId(randomBytes);
const room = { namespace: 'rooms', name: 'seven', tag: '' };

type Scene = Awaited<ReturnType<typeof scene>>;
type Drone = Awaited<ReturnType<Scene['drone']>>;

describe('an inventory in a cluster with a secret', () => {
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

  /** A ready backend with a key on drone a, and its line in that drone's inventory. */
  async function placed(scene_: Scene, a: Drone) {
    const backend = id();
    await scene_.spawn({ id: backend, spec: { image: 'app' }, key: room });
    const { placement, claim } = a.started.at(-1)!;
    const { summary } = (await scene_.backendStore.get(backend))!;
    const status = { id: backend, state: READY, revision: 5 };
    return { backend, line: { status, spec: summary, createTime: new Date(5), placement, key: room, claim } };
  }
  const idOf = async ({ scheduler }: Scene) =>
    (await scheduler.getBackend({ id: '', key: room })).backend?.id;

  it('brings back a backend with its key when its claim is right', async () => {
    await using scene_ = await scene(redis, nats, { secrets: [SECRET] });
    const a = await scene_.drone('a');
    const { backend, line } = await placed(scene_, a);
    expect(line.claim).toHaveLength(32);
    await redis.flush();
    const { stops, ended } = await a.register(line);
    expect([stops, ended, await idOf(scene_)]).toEqual([[], [], backend]);
  });

  it('is refused line by line: no record, no key, no fence, an order to stop it; and the others are taken', async () => {
    await using scene_ = await scene(redis, nats, { secrets: [SECRET] });
    const a = await scene_.drone('a');
    const { backend, line } = await placed(scene_, a);
    await redis.flush();
    const ahead = line.placement + 3_600_000_000;
    const [made, moved] = [id(), id()];
    const summary = SpecSummary.fromPartial({ image: 'evil' });
    const { stops } = await a.register(
      { ...line, placement: ahead },
      {
        ...line,
        status: { ...line.status, id: made },
        spec: summary,
        key: { ...room, name: 'eight' },
        claim: undefined,
      },
      { ...line, status: { ...line.status, id: moved }, key: { ...room, name: 'nine' } },
    );
    expect(stops).toEqual(
      [backend, made, moved].map((each) => ({
        id: each,
        force: true,
        reason: EndReason.INTERNAL,
        detail: 'its drone has no right claim to it',
      })),
    );
    for (const each of [backend, made, moved]) expect(await scene_.backendStore.get(each)).toBeUndefined();
    expect(await scene_.store.send(['KEYS', `${keys.key('').replaceAll('{', '\\{')}*`])).toEqual([]);
    expect(String(await scene_.store.send(['HKEYS', keys.routes]))).toBe('agent/a');
    expect(Number(await scene_.store.send(['GET', keys.tick]))).toBeLessThan(ahead);
    expect((await a.register(line)).stops).toEqual([]);
    expect(await idOf(scene_)).toBe(backend);
  });

  it('cannot be taken over by another drone', async () => {
    await using scene_ = await scene(redis, nats, { secrets: [SECRET] });
    const { backend, line } = await placed(scene_, await scene_.drone('a'));
    await redis.flush();
    const b = await scene_.drone('b');
    expect((await b.register(line)).stops.map((order) => order.id)).toEqual([backend]);
    expect(await scene_.backendStore.holder(room)).toBeUndefined();
  });

  it('is a report, with or without a claim, where the record is there', async () => {
    await using scene_ = await scene(redis, nats, { secrets: [SECRET] });
    const a = await scene_.drone('a');
    const { backend, line } = await placed(scene_, a);
    expect((await a.register({ ...line, claim: undefined })).stops).toEqual([]);
    expect((await scene_.scheduler.getBackend({ id: backend })).backend?.state).toBe(READY);
  });

  it('is taken with the claims of a secret that is being replaced', async () => {
    await using before = await scene(redis, nats, { secrets: [SECRET] });
    const { backend, line } = await placed(before, await before.drone('a'));
    await redis.flush();
    await using after = await scene(redis, nats, { secrets: ['n'.repeat(32), SECRET] });
    const a = await after.drone('a');
    expect((await a.register(line)).stops).toEqual([]);
    expect(await idOf(after)).toBe(backend);
  });

  it('may forget ends that are stored or were never placed, and then has nothing left to report', async () => {
    await using scene_ = await scene(redis, nats, { secrets: [SECRET] });
    const a = await scene_.drone('a');
    const { backend, line } = await placed(scene_, a);
    const [stranger, neverHere] = [id(), id()];
    const over = (each: string) => ({ id: each, state: TERMINATED, revision: 9 });
    const { stops, ended } = await a.register(
      { ...line, status: over(backend) },
      { status: over(stranger), spec: line.spec, placement: 3 },
      { status: over(neverHere) },
    );
    expect([stops, ended]).toEqual([[], [backend, stranger, neverHere]]);
    expect((await scene_.scheduler.getBackend({ id: backend })).backend?.state).toBe(TERMINATED);
    for (const each of [stranger, neverHere])
      await expect(scene_.scheduler.getBackend({ id: each })).rejects.toMatchObject({ code: 'not_found' });
  });

  it('brings no tick that a store lost a moment ago drew from it as well, though time is behind both', async () => {
    await using scene_ = await scene(redis, nats);
    const given = Date.now() * 1_000 + 60_000_000;
    const ticks: number[] = [];
    for (let loss = 0; loss < 2; loss++) {
      await redis.flush();
      await scene_.turn();
      ticks.push(await scene_.epoch.run(SCRIPTS.drawTick, { given }));
    }
    expect(ticks[0]).toBeGreaterThan(given);
    expect(ticks[1]).not.toBe(ticks[0]);
  });

  it('cannot use the ticks of the cluster up, where nothing is signed either', async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const { line } = await placed(scene_, a);
    const [stray, first] = [id(), a.registration];
    await a.register(line, {
      ...line,
      status: { ...line.status, id: stray },
      key: undefined,
      placement: 2 ** 53 - 1,
    });
    const fences: number[] = [];
    for (const name of ['one', 'two']) {
      const { backend } = await scene_.spawn({ id: id(), spec: { image: 'app' }, key: { ...room, name } });
      fences.push(backend!.fence);
    }
    expect(fences[0]).toBeGreaterThan(first);
    expect(fences[1]).toBeGreaterThan(fences[0]!);
    expect(fences[1]).toBeLessThan(first + 3_600_000_000);
  });

  it('asks for the whole inventory when a drone reports an unknown backend', async () => {
    await using scene_ = await scene(redis, nats, { secrets: [SECRET] });
    const a = await scene_.drone('a');
    expect((await a.renew({ id: id(), state: READY, revision: 4 })).verdict).toBe(RenewVerdict.REGISTER);
  });
});
