/** Keys, leases and idle shutdowns in a store that is not the one from before, with a real Redis. */
import { randomBytes } from 'node:crypto';
import { DEADLINES, newBackendId } from '@spawner/domain';
import { SpecSummary } from '@spawner/proto/internal/backend_status';
import { Node } from '@spawner/proto/internal/node';
import { RenewVerdict, SettleOutcome } from '@spawner/proto/internal/scheduler_service';
import { BackendKey, BackendState } from '@spawner/proto/v1/backend';
import { isOtherEpoch, SCRIPTS, type ScriptDefinition } from '@spawner/store';
import { eventually, type Nats, type Redis, startNats, startRedis, tempDir } from '@spawner/testkit';
import { keys, scene } from './scheduler-scene.ts';

const { READY } = BackendState;
const WAITS = { code: 'unavailable', message: expect.stringContaining('the store opened a new epoch') };
const SHORT_MS = 1_500;
const id = () => newBackendId(randomBytes);
const key = (name: string) => BackendKey.fromPartial({ name });
const spec = { image: 'app' };

type Scene = Awaited<ReturnType<typeof scene>>;

/** The holder of the key, or a new one; with less than the usual deadline only where it is refused when that is nearly over. */
async function get(at: Scene, name: string, timeoutMs?: number) {
  const { backend, spawned } = await at.spawn({ id: id(), spec, key: key(name) }, timeoutMs);
  if (!backend) throw new Error('no backend');
  return { id: backend.id, fence: backend.fence, spawned };
}

/** The key is not given, and its caller gets an answer before the deadline. */
const waits = (at: Scene, name: string) => expect(get(at, name, SHORT_MS)).rejects.toMatchObject(WAITS);

/** One line of an inventory: a backend that is ready and holds a key. */
const line = ({ id: of, fence }: { id: string; fence: number }, name: string) => ({
  status: { id: of, state: READY, revision: 5 },
  spec: SpecSummary.fromPartial({ image: 'app' }),
  createTime: new Date(5),
  placement: fence,
  key: key(name),
});

describe('a new store epoch', () => {
  let redis: Redis;
  let nats: Nats;
  let dir: Awaited<ReturnType<typeof tempDir>>;
  beforeAll(async () => {
    dir = await tempDir('redis');
    const args = ['--dir', dir.path, '--appendonly', 'yes', '--enable-debug-command', 'yes'];
    [redis, nats] = await Promise.all([startRedis({ args }), startNats()]);
  });
  afterAll(async () => {
    await redis?.stop();
    await nats?.stop();
    await dir?.[Symbol.asyncDispose]();
  });
  beforeEach(() => redis.flush());

  const epochOf = async ({ store }: Scene) => Number(String(await store.send(['HGET', keys.epoch, 'epoch'])));

  /** A drone and a proxy, and a key whose holder is ready. */
  async function running() {
    const at = await scene(redis, nats);
    const a = await at.drone('a');
    await at.turn();
    await at.proxy('p', 'a');
    const held = await get(at, 'held');
    const ready = { id: held.id, state: READY, revision: 5, local: { host: '10.0.0.1', port: 80 } };
    await a.renew(ready);
    return { at, a, held: { ...held, spawned: false }, ready };
  }
  /** Redis with the same data in another process, and a scheduler that has noticed. */
  async function restart(at: Scene) {
    await redis.restart();
    await eventually(() => at.turn());
  }

  it('does not begin while the store stays what it is', async () => {
    const { at } = await running();
    await using _ = at;
    const epoch = await epochOf(at);
    await using other = await scene(redis, nats, { emptyStore: 'wait' });
    for (const each of [at, other]) await each.turn();
    expect((await get(other, 'free')).spawned).toBe(true);
    expect([await epochOf(at), at.epoch.current, other.epoch.current]).toEqual([epoch, epoch, epoch]);
  });

  it('begins too in a process that was given older data', async () => {
    const { at, held } = await running();
    await using _ = at;
    const epoch = await epochOf(at);
    await at.store.send(['HSET', keys.epoch, 'epoch', String(epoch - 5)]);
    await at.turn();
    expect(at.epoch.current).toBeGreaterThan(epoch);
    expect(await get(at, 'held')).toEqual(held);
    await waits(at, 'free');
  });

  describe('after a restart with its data', () => {
    it('returns known holders, spawns without a key, and gives a free key only when every drone and proxy has registered again', async () => {
      const { at, a, held, ready } = await running();
      await using _ = at;
      await restart(at);
      expect(await get(at, 'held')).toEqual(held);
      await waits(at, 'free');
      expect((await at.spawn({ id: id(), spec })).spawned).toBe(true);
      expect((await a.renew(ready)).verdict).toBe(RenewVerdict.REGISTER);
      const waiting = get(at, 'free', 60_000);
      await a.register(line(held, 'held'));
      expect((await a.renew()).verdict).toBe(RenewVerdict.GRANTED);
      await waits(at, 'other');
      await at.proxy('p', 'a');
      const spawned = await waiting;
      expect(spawned.spawned).toBe(true);
      expect(spawned.fence).toBeGreaterThan(held.fence);
      expect(await get(at, 'held')).toEqual(held);
    });

    it('says how long a key waits at most', async () => {
      const { at } = await running();
      await using _ = at;
      await restart(at);
      const most = async () => {
        const refused = await get(at, 'free', SHORT_MS).catch((error: Error) => error.message);
        const [, seconds] = /^the holder of the key may not be known yet: .* at most (\S+) s more$/.exec(
          String(refused),
        )!;
        return Number(seconds);
      };
      expect(await most()).toBeGreaterThan(9);
      await at.pass(DEADLINES.leaseGiveAway - 9_000);
      expect(await most()).toBeLessThanOrEqual(9);
    });

    it('waits for a proxy that does not come no longer than the give-away time', async () => {
      const { at, a, held } = await running();
      await using _ = at;
      await restart(at);
      await a.register(line(held, 'held'));
      await at.pass(DEADLINES.leaseGiveAway - 3_000);
      await a.renew();
      await waits(at, 'free');
      await at.pass(3_000);
      await a.renew();
      expect((await get(at, 'free')).spawned).toBe(true);
    });

    it('starts every lease whole, though it was nearly over', async () => {
      const { at, held } = await running();
      await using _ = at;
      await at.pass(DEADLINES.leaseGiveAway - 3_000);
      await restart(at);
      const { backend } = await at.scheduler.getBackend({ id: held.id });
      expect(backend?.unreachable).toBe(false);
      await at.pass(DEADLINES.leaseGiveAway - 3_000);
      expect(await get(at, 'held')).toEqual(held);
      await at.pass(3_000);
      await at.drone('b');
      const next = await get(at, 'held');
      expect(next.spawned).toBe(true);
      expect(next.fence).toBeGreaterThan(held.fence);
    });

    it('does not wait for a drone that an operator gives up', async () => {
      const { at, a, held } = await running();
      await using _ = at;
      await at.drone('gone');
      await restart(at);
      await a.register(line(held, 'held'));
      await at.proxy('p', 'a');
      await at.pass(DEADLINES.renewalsMissed + 1);
      await waits(at, 'free');
      await at.scheduler.forgetDrone({ id: 'gone' });
      await a.renew();
      expect((await get(at, 'free')).spawned).toBe(true);
    });

    it('suspends no route while nodes are missing, and says why; what was suspended before is given back, not ended', async () => {
      const { at, a, held, ready } = await running();
      await using _ = at;
      const suspend = () =>
        at.scheduler.suspendRoute({ droneId: 'a', registration: a.registration, backendId: held.id });
      const { epoch } = await suspend();
      await restart(at);
      const { outcome } = await at.scheduler.settleRoute({ backendId: held.id, epoch, end: true });
      expect(outcome).toBe(SettleOutcome.OPEN);
      await a.register({ ...line(held, 'held'), status: ready });
      expect(await suspend()).toMatchObject({
        suspended: false,
        refusal: expect.stringContaining('the store opened a new epoch'),
      });
      await at.proxy('p', 'a');
      expect(await suspend()).toMatchObject({ suspended: true, proxies: [{ id: 'p' }] });
    });

    it('is one for two schedulers, and neither’s callers notice', async () => {
      const { at, held } = await running();
      await using _ = at;
      await using other = await scene(redis, nats, { emptyStore: 'wait' });
      await other.turn();
      const before = await epochOf(at);
      await redis.restart();
      for (const { store } of [at, other]) await eventually(() => store.send(['PING']));
      const calls = [at, other].flatMap((each) =>
        Array.from({ length: 20 }, () => get(each, 'held', 60_000)),
      );
      expect(await Promise.all(calls)).toEqual(calls.map(() => held));
      const epoch = await epochOf(at);
      expect(epoch).toBeGreaterThan(before);
      expect([at.epoch.current, other.epoch.current]).toEqual([epoch, epoch]);
    });
  });

  describe('after everything was lost', () => {
    it('gives a free key only after the give-away time, even if every node has registered', async () => {
      const { at, a, held } = await running();
      await using _ = at;
      await redis.flush();
      await at.turn();
      await a.register(line(held, 'held'));
      await at.proxy('p', 'a');
      expect(await get(at, 'held')).toEqual(held);
      expect((await at.spawn({ id: id(), spec })).spawned).toBe(true);
      await at.pass(DEADLINES.leaseGiveAway - 3_000);
      await a.renew();
      await waits(at, 'free');
      await at.pass(3_000);
      await a.renew();
      const spawned = await get(at, 'free');
      expect(spawned.spawned).toBe(true);
      expect(spawned.fence).toBeGreaterThan(held.fence);
    });

    it('keeps keys waiting through a restart, after which it knows of fewer nodes than there are', async () => {
      const { at, a, held } = await running();
      await using _ = at;
      await redis.flush();
      await at.turn();
      await a.register(line(held, 'held'));
      await restart(at);
      await a.register(line(held, 'held'));
      await waits(at, 'free');
    });

    it('starts no backend again that may be running on a drone that has not registered yet', async () => {
      const { at, a, held } = await running();
      await using _ = at;
      await redis.flush();
      await at.turn();
      await a.register(line(held, 'held'));
      await expect(at.spawn({ id: id(), spec, repeated: true }, 200)).rejects.toMatchObject(WAITS);
      expect((await at.spawn({ id: id(), spec })).spawned).toBe(true);
    });

    it('takes the registrations after one that had its tick from the lost store, whose time was ahead', async () => {
      const { at, a } = await running();
      await using _ = at;
      await redis.flush();
      await at.turn();
      const ahead = Date.now() * 1_000 + 60_000_000;
      const { id: drone, cpuMillis, memoryBytes, backends } = a.node;
      await at.epoch.run(SCRIPTS.register, {
        ...{ kind: 'drone', id: drone, registration: ahead, cpuMillis, memoryBytes, backends },
        ...{ sequence: undefined, leaseMs: DEADLINES.leaseGiveAway, silentMs: DEADLINES.renewalsMissed },
        node: Buffer.from(Node.encode({ ...a.node, registration: ahead }).finish()),
      });
      await a.register();
      expect(a.registration).toBeGreaterThan(ahead);
      expect((await a.renew()).verdict).toBe(RenewVerdict.GRANTED);
    });

    it('calls no backend unknown that a drone may still report, so that its termination is not taken for done', async () => {
      const { at, a, held } = await running();
      await using _ = at;
      const { scheduler } = at;
      await redis.flush();
      const calls = () => [
        ...[{ id: held.id }, { id: '', key: key('held') }].flatMap((named) => [
          scheduler.getBackend(named),
          scheduler.explainBackend(named),
          scheduler.terminateBackend({ ...named, force: false }),
        ]),
        scheduler.createConnectionToken({
          id: held.id,
          tokenId: 't'.repeat(43),
          user: '',
          claims: '',
          ttlMs: 9,
        }),
        scheduler.revokeConnectionTokens({ id: held.id, tokenId: '' }),
      ];
      const refused = () => Promise.all(calls().map((call) => call.catch((error: unknown) => error)));
      expect(await refused()).toEqual(Array(8).fill(expect.objectContaining(WAITS)));
      await at.turn();
      expect(await refused()).toEqual(Array(8).fill(expect.objectContaining(WAITS)));
      await a.register(line(held, 'held'));
      expect((await scheduler.terminateBackend({ id: held.id, force: false })).backend?.id).toBe(held.id);
      await at.pass(DEADLINES.leaseGiveAway + 1);
      await expect(scheduler.getBackend({ id: id() })).rejects.toMatchObject({ code: 'not_found' });
    });

    it('keeps the higher fence of two claimants, in either order of their coming', async () => {
      for (const order of [
        [0, 1],
        [1, 0],
      ]) {
        await using at = await scene(redis, nats);
        const drones = [await at.drone('a'), await at.drone('b')];
        await redis.flush();
        await at.turn();
        const claims = [
          { id: id(), fence: 2_000, spawned: false },
          { id: id(), fence: 1_000, spawned: false },
        ];
        for (const n of order) await drones[n]!.register(line(claims[n]!, 'k'));
        expect(await get(at, 'k')).toEqual(claims[0]);
        expect((await drones[1]!.renew()).stops.map((stop) => stop.id)).toEqual([claims[1]!.id]);
        expect((await drones[0]!.renew()).stops).toEqual([]);
      }
    });

    it('is a loss to a scheduler that knew the store, whatever it takes an empty one for at its start', async () => {
      const { at, a } = await running();
      await using _ = at;
      await redis.flush();
      await using fresh = await scene(redis, nats, { emptyStore: 'new' });
      // The one that starts is first: it sees a new cluster, until the other tells it of what was.
      await fresh.turn();
      await at.turn();
      await a.register();
      await waits(fresh, 'free');
    });

    it('is a loss too where only a node remembers what was', async () => {
      const { at, a } = await running();
      await at[Symbol.asyncDispose]();
      await redis.flush();
      await using fresh = await scene(redis, nats, { emptyStore: 'new' });
      const b = await fresh.drone('b');
      expect((await get(fresh, 'first')).spawned).toBe(true);
      const remembered = { ...a.node, registration: a.registration };
      await fresh.scheduler.renewNode({
        ...{ kind: remembered.kind, id: 'a', registration: a.registration },
        ...{ changed: [], proxiesVersion: 0 },
      });
      await waits(fresh, 'free');
      await fresh.pass(DEADLINES.leaseGiveAway);
      await b.renew();
      expect((await get(fresh, 'free')).spawned).toBe(true);
    });
  });

  describe('of a scheduler that finds an empty store at its start', () => {
    it('keeps keys waiting, because it cannot tell a new cluster from a loss', async () => {
      await using at = await scene(redis, nats, { emptyStore: 'wait' });
      const a = await at.drone('a');
      await waits(at, 'k');
      await at.turn();
      await at.pass(DEADLINES.leaseGiveAway);
      await a.renew();
      expect((await get(at, 'k')).spawned).toBe(true);
    });

    it('gives keys at once if the configuration says that the cluster is new', async () => {
      await using at = await scene(redis, nats, { emptyStore: 'new' });
      await at.drone('a');
      expect((await get(at, 'k')).spawned).toBe(true);
    });

    it('takes no store with drones for a new cluster', async () => {
      const { at, a, held } = await running();
      await at.store.send(['DEL', keys.epoch]);
      await at[Symbol.asyncDispose]();
      await using fresh = await scene(redis, nats, { emptyStore: 'new' });
      await fresh.turn();
      expect(await get(fresh, 'held')).toEqual(held);
      await waits(fresh, 'free');
      expect(a.started).toHaveLength(1);
    });
  });

  const writing = Object.values(SCRIPTS).filter(({ guarded }) => guarded) as unknown as ScriptDefinition[];
  it.each(writing)('of which its caller does not know keeps $name from writing anything', async (script) => {
    const { at, held } = await running();
    await using _ = at;
    const digest = async () => String(await at.store.send(['DEBUG', 'DIGEST']));
    const before = await digest();
    const known = { id: held.id, backend: held.id, drone: 'a', kind: 'drone', when: 'any', part: 'done' };
    const args = Object.fromEntries(
      Object.keys(script.args).map((name) => [name, (known as Record<string, string>)[name] ?? '70']),
    ) as Record<string, never>;
    for (const epoch of [at.epoch.current - 1, at.epoch.current + 1, 0]) {
      const refused = await at.epoch.runIn(epoch, script, args).catch((error: unknown) => error);
      expect(isOtherEpoch(refused)).toBe(true);
    }
    expect(await digest()).toBe(before);
    await at.store.send(['HSET', keys.epoch, 'run', 'another']);
    const changed = await digest();
    const refused = await at.epoch.runIn(at.epoch.current, script, args).catch((error: unknown) => error);
    expect([isOtherEpoch(refused), await digest()]).toEqual([true, changed]);
  });
});
