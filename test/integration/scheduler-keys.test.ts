/** One backend per key, by the real scripts in a real Redis: who gets whom, when a key is free again, and which fence it has. */
import { randomBytes } from 'node:crypto';
import { DEADLINES, newBackendId } from '@spawner/domain';
import { SpecSummary } from '@spawner/proto/internal/backend_status';
import { BackendKey, BackendState, EndReason } from '@spawner/proto/v1/backend';
import { ReusePolicy } from '@spawner/proto/v1/backend_service';
import { eventually, expectComplaint, type Nats, type Redis, startNats, startRedis } from '@spawner/testkit';
import { keys, scene } from './scheduler-scene.ts';

const { LOADING, READY, TERMINATING, TERMINATED } = BackendState;
const id = () => newBackendId(randomBytes);
const key = (name: string, part: Partial<BackendKey> = {}) => BackendKey.fromPartial({ name, ...part });
const spec = { image: 'app' };

type Scene = Awaited<ReturnType<typeof scene>>;
type Drone = Awaited<ReturnType<Scene['drone']>>;

/** Spawns and gives what a caller looks at. */
async function get(scene_: Scene, of: BackendKey, more: object = {}, timeoutMs?: number) {
  const { backend, spawned } = await scene_.spawn({ id: id(), spec, key: of, ...more }, timeoutMs);
  if (!backend) throw new Error('no backend');
  return { id: backend.id, fence: backend.fence, spawned };
}

const keyRows = async ({ store }: Scene) =>
  ((await store.send(['KEYS', `${keys.key('').replaceAll('{', '\\{')}*`])) as Buffer[]).map(String);

/** One line of an inventory, as a drone tells it of a backend that is ready. */
const line = (of: string, placement: number, held: BackendKey, state: BackendState = READY) => ({
  status: { id: of, state, revision: 5 },
  spec: SpecSummary.fromPartial({ image: 'app' }),
  createTime: new Date(5),
  placement,
  key: held,
});

describe('a key', () => {
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

  it('has one holder, however many ask at once, and tells its drone of key and fence', async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const room = key('room-7', { namespace: 'rooms', tag: 'v1' });
    const answers = await Promise.all(Array.from({ length: 50 }, () => get(scene_, room)));
    expect(answers.filter(({ spawned }) => spawned)).toHaveLength(1);
    expect(new Set(answers.map((answer) => answer.id)).size).toBe(1);
    expect(new Set(answers.map(({ fence }) => fence)).size).toBe(1);
    expect(a.started.map((start) => [start.id, start.key, start.placement])).toEqual([
      [answers[0]?.id, room, answers[0]?.fence],
    ]);
    const found = await scene_.scheduler.getBackend({ id: '', key: room });
    expect(found.backend).toMatchObject({ id: answers[0]?.id, key: room, fence: answers[0]?.fence });
    expect((await scene_.scheduler.getBackend({ id: answers[0]!.id })).backend?.key).toEqual(room);
  });

  it('returns its holder in every living state', async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const first = await get(scene_, key('k'));
    for (const [n, state] of [LOADING, BackendState.STARTING, BackendState.WAITING, READY].entries()) {
      await a.renew({ id: first.id, state, revision: n + 2 });
      expect(await get(scene_, key('k'))).toEqual({ ...first, spawned: false });
    }
    expect(a.started).toHaveLength(1);
  });

  it('is refused to a caller with another tag, naming the present one', async () => {
    await using scene_ = await scene(redis, nats);
    await scene_.drone('a');
    await get(scene_, key('tagged', { tag: 'v1\n"' }));
    await get(scene_, key('bare'));
    const refused = { code: 'failed_precondition' };
    await expect(get(scene_, key('tagged', { tag: 'v2' }))).rejects.toMatchObject({
      ...refused,
      message: 'the key is held with the tag "v1\\n\\""',
    });
    await expect(get(scene_, key('tagged'))).rejects.toMatchObject(refused);
    await expect(get(scene_, key('bare', { tag: 'v1' }))).rejects.toMatchObject({
      ...refused,
      message: 'the key is held without a tag',
    });
    await expect(
      scene_.scheduler.terminateBackend({ id: '', force: false, key: key('tagged', { tag: 'v2' }) }),
    ).rejects.toMatchObject(refused);
    expect((await get(scene_, key('tagged', { tag: 'v1\n"' }))).spawned).toBe(false);
  });

  it('is refused for another spec only to who requires the same one', async () => {
    await using scene_ = await scene(redis, nats);
    await scene_.drone('a');
    const env = { A: '1', B: '2' };
    const first = await get(scene_, key('k'), { spec: { image: 'app', env } });
    const same = { reusePolicy: ReusePolicy.REQUIRE_SAME_SPEC };
    const reordered = { image: 'app', env: { B: '2', A: '1' }, credentials: { username: 'me' } };
    expect((await get(scene_, key('k'), { spec: reordered, ...same })).id).toBe(first.id);
    expect((await get(scene_, key('k'), { spec: { image: 'other' } })).id).toBe(first.id);
    await expect(get(scene_, key('k'), { spec: { image: 'other' }, ...same })).rejects.toMatchObject({
      code: 'failed_precondition',
      message: `the key is held by backend ${first.id}, which has another spec`,
    });
  });

  it('is the same spawn under the same id, and another one’s holder stays another’s', async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const [mine, other] = [id(), id()];
    const ask = (as: string) => scene_.spawn({ id: as, spec, key: key('k') });
    for (let n = 0; n < 2; n++)
      expect(await ask(mine)).toMatchObject({ backend: { id: mine }, spawned: true });
    for (let n = 0; n < 2; n++)
      expect(await ask(other)).toMatchObject({ backend: { id: mine }, spawned: false });
    expect(a.started).toHaveLength(1);
    await expect(scene_.scheduler.getBackend({ id: other })).rejects.toMatchObject({ code: 'not_found' });
  });

  it('is never mixed up with another', async () => {
    await using scene_ = await scene(redis, nats);
    await scene_.drone('a', { capacity: { backends: 100 } });
    const apart = [
      key('c', { namespace: 'ab' }),
      key('bc', { namespace: 'a' }),
      key('abc'),
      key('ab', { namespace: 'c' }),
      key('ABC'),
      key('abc '),
    ];
    const holders = await Promise.all(apart.map((each) => get(scene_, each)));
    expect(new Set(holders.map((holder) => holder.id)).size).toBe(apart.length);
    for (const [n, each] of apart.entries())
      expect((await scene_.scheduler.getBackend({ id: '', key: each })).backend?.id).toBe(holders[n]?.id);
    await scene_.scheduler.terminateBackend({ id: '', key: apart[0]!, force: false });
    expect((await get(scene_, apart[1]!)).id).toBe(holders[1]?.id);
  });

  it.each([
    ['{}'],
    ['*'],
    ['spawner:{test}:key:*'],
    ['a.b>c'],
    ['../../etc/passwd'],
    ['line\nbreak\r\n\t'],
    ['%00%2F'],
    ['👩‍👩‍👧 é'],
    ['é'],
    ['x'.repeat(512)],
    ['🙂'.repeat(128)],
    ['__proto__'],
  ])('may be any text, and reaches no key of Redis: %j', async (name) => {
    await using scene_ = await scene(redis, nats);
    await scene_.drone('a');
    const odd = key(name, { namespace: name, tag: name });
    const first = await get(scene_, odd);
    expect(await get(scene_, odd)).toEqual({ ...first, spawned: false });
    expect((await scene_.scheduler.getBackend({ id: '', key: odd })).backend?.key).toEqual(odd);
    const rows = await keyRows(scene_);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatch(/^spawner:\{test\}:key:[\w-]{43}$/);
  });

  it('is refused with NUL, without a name or too long, and beside an id', async () => {
    await using scene_ = await scene(redis, nats);
    await scene_.drone('a');
    for (const name of ['a\0b', '', 'x'.repeat(513)])
      await expect(get(scene_, key(name))).rejects.toMatchObject({
        code: 'invalid',
        violations: [{ field: 'key.name' }],
      });
    await expect(scene_.scheduler.getBackend({ id: id(), key: key('k') })).rejects.toMatchObject({
      code: 'invalid',
    });
    await expect(scene_.scheduler.getBackend({ id: '', key: key('free') })).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  it('waits for a holder that is ending, then has a new one with a higher fence', async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const first = await get(scene_, key('k'));
    await a.renew({ id: first.id, state: TERMINATING, revision: 3 });
    let over = false;
    const waiting = Promise.all([get(scene_, key('k')), get(scene_, key('k'))]).finally(() => {
      over = true;
    });
    await expect(scene_.spawn({ id: id(), spec, key: key('k') }, 1_500)).rejects.toMatchObject({
      code: 'unavailable',
      message: 'the holder of the key is still ending',
    });
    expect([over, a.started.length]).toEqual([false, 1]);
    await a.renew({ id: first.id, state: TERMINATED, revision: 4, endReason: EndReason.IDLE });
    const [one, two] = await waiting;
    expect(one.id).toBe(two.id);
    expect([one.spawned, two.spawned].sort()).toEqual([false, true]);
    expect(one.id).not.toBe(first.id);
    expect(one.fence).toBeGreaterThan(first.fence);
  });

  it('waits from the moment on when an end was ordered, though the drone has not begun it', async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const first = await get(scene_, key('k'));
    await a.renew({ id: first.id, state: READY, revision: 3 });
    const { backend } = await scene_.scheduler.terminateBackend({ id: '', key: key('k'), force: false });
    expect(backend).toMatchObject({ id: first.id, state: READY });
    await expect(scene_.spawn({ id: id(), spec, key: key('k') }, 1_500)).rejects.toMatchObject({
      code: 'unavailable',
    });
    await a.renew({ id: first.id, state: TERMINATED, revision: 4, endReason: EndReason.REQUESTED });
    expect(await get(scene_, key('k'))).toMatchObject({ spawned: true });
  });

  it('stops waiting when its caller leaves, and starts nothing', async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const first = await get(scene_, key('k'));
    await a.renew({ id: first.id, state: TERMINATING, revision: 3 });
    await expect(scene_.spawn({ id: id(), spec, key: key('k') }, 150)).rejects.toBeDefined();
    await a.renew({ id: first.id, state: TERMINATED, revision: 4 });
    expect(await keyRows(scene_)).toEqual([]);
    expect((await get(scene_, key('k'))).spawned).toBe(true);
    expect(a.started).toHaveLength(2);
  });

  const ends: [string, (scene_: Scene, a: Drone, holder: string) => Promise<unknown>][] = [
    [
      'its drone reports the end',
      (_, a, holder) => a.renew({ id: holder, state: TERMINATED, revision: 9, endReason: EndReason.FAILED }),
    ],
    [
      'its reservation runs out',
      async (scene_) => {
        await scene_.turn();
        await scene_.store.send(['HINCRBY', keys.clock, 'now', String(DEADLINES.reservation + 1)]);
        await scene_.turn();
      },
    ],
    [
      'its drone comes back without it',
      async (_, a, holder) => {
        await a.renew({ id: holder, state: READY, revision: 4 });
        await a.register();
      },
    ],
    [
      'its drone comes back with its end',
      (_, a, holder) => a.register(line(holder, 7, key('k'), TERMINATED)),
    ],
  ];
  it.each(ends)('is free again when %s, and only then', async (_, end) => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const [first, bystander] = [await get(scene_, key('k')), await get(scene_, key('other'))];
    await a.renew({ id: bystander.id, state: LOADING, revision: 1 });
    await end(scene_, a, first.id);
    if ((await scene_.scheduler.getBackend({ id: bystander.id })).backend?.state !== TERMINATED)
      expect(await get(scene_, key('other'))).toEqual({ ...bystander, spawned: false });
    await expect(scene_.scheduler.getBackend({ id: '', key: key('k') })).rejects.toMatchObject({
      code: 'not_found',
    });
    await a.renew();
    const second = await get(scene_, key('k'));
    expect(second).toMatchObject({ spawned: true });
    expect(second.fence).toBeGreaterThan(first.fence);
  });

  it('is free again when its drone did not take the holder, and the next drone’s holder keeps it', async () => {
    await using scene_ = await scene(redis, nats);
    await scene_.drone('a', { takes: false });
    await expect(get(scene_, key('k'))).rejects.toMatchObject({
      code: 'unavailable',
      message: 'drone a did not take the backend',
    });
    expect(await keyRows(scene_)).toEqual([]);
    const b = await scene_.drone('b');
    const second = await get(scene_, key('k'));
    expect(second.spawned).toBe(true);
    expect(b.started.map((start) => start.id)).toEqual([second.id]);
  });

  it('stays with a holder whose report came though the answer to its start was lost', async () => {
    expectComplaint(/^a log said: call failed: the answer was lost$/);
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a', {
      takes: async (request) => {
        await a.renew({ id: request.id, state: LOADING, revision: 1 });
        throw new Error('the answer was lost');
      },
    });
    const first = await get(scene_, key('k'));
    expect(first.spawned).toBe(true);
    expect(await get(scene_, key('k'))).toEqual({ ...first, spawned: false });
    expect((await a.renew()).stops).toEqual([]);
  });

  it('stays with its new holder when the one before is forgotten or reported late', async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const first = await get(scene_, key('k'));
    await a.renew({ id: first.id, state: TERMINATED, revision: 4 });
    const second = await get(scene_, key('k'));
    await a.renew({ id: first.id, state: TERMINATED, revision: 5 });
    await scene_.backendStore.forget(first.id);
    expect(await get(scene_, key('k'))).toEqual({ ...second, spawned: false });
  });

  it('is restored from an inventory after the store lost everything, before its drone gets work', async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const held = key('k', { tag: 't' });
    const first = await get(scene_, held);
    await redis.flush();
    await expect(get(scene_, held, {}, 1_000)).rejects.toMatchObject({ code: 'unavailable' });
    await a.register(line(first.id, first.fence, held));
    expect(await get(scene_, held)).toEqual({ ...first, spawned: false });
    await expect(get(scene_, key('k'))).rejects.toMatchObject({ code: 'failed_precondition' });
  });

  it('can be given only after the inventory of the drone that may hold it is stored', async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    await redis.flush();
    await scene_.turn();
    await scene_.pass(DEADLINES.leaseGiveAway);
    const registration = await scene_.nodeStore.register(a.node);
    await expect(get(scene_, key('k'))).rejects.toMatchObject({ code: 'exhausted' });
    await scene_.nodeStore.admit('a', registration - 1);
    await expect(get(scene_, key('k'))).rejects.toMatchObject({ code: 'exhausted' });
    await scene_.nodeStore.admit('a', registration);
    expect((await get(scene_, key('k'))).spawned).toBe(true);
  });

  it('has fences that only grow, also over a store that lost everything and whose clock went back', async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const first = await get(scene_, key('k'));
    await redis.flush();
    await scene_.turn();
    await scene_.pass(DEADLINES.leaseGiveAway);
    await a.register();
    const second = await get(scene_, key('k'));
    expect(second).toMatchObject({ spawned: true });
    expect(second.fence).toBeGreaterThan(first.fence);
    await redis.flush();
    await scene_.turn();
    await scene_.pass(DEADLINES.leaseGiveAway);
    const ahead = second.fence + 3_600_000_000;
    await a.register(line(id(), ahead, key('k')), line(id(), ahead + 5, key('other')));
    const third = await get(scene_, key('new'));
    expect(third.fence).toBeGreaterThan(ahead + 5);
  });

  it.each([
    ['before', [0, 1]],
    ['after', [1, 0]],
  ])('stays with the higher fence of two claimants where that one comes %s the other', async (_, order) => {
    await using scene_ = await scene(redis, nats);
    const drones = [await scene_.drone('a'), await scene_.drone('b')];
    const held = key('k');
    const claims = [
      { id: id(), fence: 2_000 },
      { id: id(), fence: 1_000 },
    ];
    for (const at of order) await drones[at]?.register(line(claims[at]!.id, claims[at]!.fence, held));
    expect(await get(scene_, held)).toEqual({ ...claims[0], spawned: false });
    const stops = await eventually(async () => {
      const orders = await scene_.store.send(['HGETALL', keys.stops('b')]);
      return orders as Buffer[];
    });
    expect(stops).toHaveLength(2);
    const { registration } = await drones[1]!.register(line(claims[1]!.id, claims[1]!.fence, held));
    const renewed = await scene_.nodeStore.renew(1, 'b', registration);
    expect(renewed.stops).toEqual([{ id: claims[1]?.id, force: true, reason: EndReason.LEASE_LOST }]);
    expect(await scene_.store.send(['HLEN', keys.stops('a')])).toBe(0);
    await scene_.scheduler.renewNode({
      kind: 1,
      id: 'b',
      registration,
      changed: [
        {
          ...(await scene_.backendStore.get(claims[1]!.id))!.status!,
          state: TERMINATED,
          revision: 9,
        },
      ],
      proxiesVersion: 0,
    });
    expect(await get(scene_, held)).toEqual({ ...claims[0], spawned: false });
  });
});
