/** A store that goes back in time: an older copy put back, and a failover to a replica that lacks the latest writes. */
import { randomBytes } from 'node:crypto';
import { DEADLINES, newBackendId, systemClock } from '@spawner/domain';
import { SpecSummary } from '@spawner/proto/internal/backend_status';
import { RouteState } from '@spawner/proto/internal/route';
import { BackendKey, BackendState, EndReason } from '@spawner/proto/v1/backend';
import { decodeRow, RouteTable, rowId } from '@spawner/store';
import {
  eventually,
  type Nats,
  type Redis,
  startNats,
  startRedis,
  startRelay,
  tempDir,
} from '@spawner/testkit';
import { keys, log, scene } from './scheduler-scene.ts';

const { READY, TERMINATED } = BackendState;
const WAITS = { code: 'unavailable', message: expect.stringContaining('the store opened a new epoch') };
const id = () => newBackendId(randomBytes);
const key = (name: string) => BackendKey.fromPartial({ name });
const spec = { image: 'app' };
const local = { host: '10.0.0.1', port: 80 };
const SHORT_MS = 1_500;

type Scene = Awaited<ReturnType<typeof scene>>;
type Drone = Awaited<ReturnType<Scene['drone']>>;
interface Holder {
  id: string;
  fence: number;
  spawned: boolean;
}

/** With less than the usual deadline only where it is refused when that is nearly over. */
async function get(at: Scene, name: string, timeoutMs?: number): Promise<Holder> {
  const { backend, spawned } = await at.spawn({ id: id(), spec, key: key(name) }, timeoutMs);
  if (!backend) throw new Error('no backend');
  return { id: backend.id, fence: backend.fence, spawned };
}

/** A holder of the key that its drone has reported as ready. */
async function ready(at: Scene, drone: Drone, name: string): Promise<Holder> {
  const holder = await get(at, name);
  await drone.renew({ id: holder.id, state: READY, revision: 4, local });
  return { ...holder, spawned: false };
}

const line = ({ id: of, fence }: Holder, name: string) => ({
  status: { id: of, state: READY, revision: 4, local },
  spec: SpecSummary.fromPartial({ image: 'app' }),
  createTime: new Date(5),
  placement: fence,
  key: key(name),
});

const stateOf = async (at: Scene, of: string) => (await at.scheduler.getBackend({ id: of })).backend!;
const tickOf = async ({ store }: Scene) => Number(String(await store.send(['GET', keys.tick])));
const rowsOf = async ({ store }: Scene) => {
  const flat = (await store.send(['HGETALL', keys.routes])) as Buffer[];
  return flat.flatMap((bytes, index) =>
    index % 2 === 1 ? [decodeRow(String(flat[index - 1]), bytes)!] : [],
  );
};

describe('a store that went back in time', () => {
  let nats: Nats;
  beforeAll(async () => {
    nats = await startNats();
  });
  afterAll(() => nats?.stop());

  /** A Redis that writes to its disk only on SAVE. A restart goes back to that point. */
  async function saving(stack: AsyncDisposableStack, ...args: string[]): Promise<Redis> {
    const dir = stack.use(await tempDir('redis'));
    return stack.use(await startRedis({ args: ['--dir', dir.path, ...args] }));
  }

  /**
   * In the copy, drone a holds `moved`, runs a backend without a key, and drone b is unknown. After it both ended, and b
   * holds `moved` and `late`.
   */
  async function wentBack(stack: AsyncDisposableStack) {
    const redis = await saving(stack);
    const at = stack.use(await scene(redis, nats));
    const a = await at.drone('a');
    await at.turn();
    const before = await ready(at, a, 'moved');
    const plain = (await at.spawn({ id: id(), spec })).backend!.id;
    await a.renew({ id: plain, state: READY, revision: 4, local });
    await at.store.send(['SAVE']);
    // The clock of the machine goes back as well: only what is remembered elsewhere keeps ticks growing.
    await at.store.send(['SET', keys.tick, String(Date.now() * 1_000 + 3_600_000_000)]);

    for (const each of [before.id, plain])
      await a.renew({ id: each, state: TERMINATED, revision: 9, endReason: EndReason.IDLE });
    await at.pass(DEADLINES.renewalsMissed + 1);
    const b = await at.drone('b');
    const moved = await ready(at, b, 'moved');
    const late = await ready(at, b, 'late');
    expect(moved.fence).toBeGreaterThan(before.fence);
    return { redis, at, a, b, before, plain, moved, late };
  }

  it.each([
    ['before', ['a', 'b']],
    ['after', ['b', 'a']],
  ])(
    'has its records put right by inventories, the former holder’s drone coming %s the present one’s',
    async (_, order) => {
      await using stack = new AsyncDisposableStack();
      const { redis, at, a, b, before, plain, moved, late } = await wentBack(stack);
      await redis.restart();
      await eventually(() => at.turn());
      expect(await tickOf(at)).toBeGreaterThan(b.registration);
      await expect(get(at, 'late', SHORT_MS)).rejects.toMatchObject(WAITS);
      for (const each of order) {
        if (each === 'a') await a.register();
        else await b.register(line(moved, 'moved'), line(late, 'late'));
      }
      expect([await get(at, 'moved'), await get(at, 'late')]).toEqual([moved, late]);
      for (const each of [before.id, plain])
        expect(await stateOf(at, each)).toMatchObject({
          state: TERMINATED,
          endDetail: 'its drone no longer has it',
        });
      // The copy did not know of drone b; there may be more of that kind.
      await expect(get(at, 'free', SHORT_MS)).rejects.toMatchObject(WAITS);
      await at.pass(DEADLINES.leaseGiveAway - 5_000);
      for (const drone of [a, b]) await drone.renew();
      await at.pass(5_000);
      for (const drone of [a, b]) await drone.renew();
      const next = await get(at, 'free');
      expect(next.spawned).toBe(true);
      expect(next.fence).toBeGreaterThan(late.fence);
      expect((await b.renew()).stops).toEqual([]);
    },
  );

  it('does not get a second holder of a key whose present one it does not know, where that comes back in time', async () => {
    await using stack = new AsyncDisposableStack();
    const { redis, at, a, b, moved, late } = await wentBack(stack);
    await redis.restart();
    await eventually(() => at.turn());
    await a.register();
    const waiting = [get(at, 'moved', 60_000), get(at, 'late', 60_000)];
    await at.pass(DEADLINES.leaseGiveAway - 5_000);
    await b.register(line(moved, 'moved'), line(late, 'late'));
    expect(await Promise.all(waiting)).toEqual([moved, late]);
    expect(b.started).toHaveLength(2);
  });

  it('is followed by replicas, which have seen more than it has', async () => {
    await using stack = new AsyncDisposableStack();
    const { redis, at, a, b, before, moved, late } = await wentBack(stack);
    // The store that will be lost gives ticks beyond the gap that the next epoch leaves.
    await at.store.send(['SET', keys.tick, String((await tickOf(at)) + 60_000_000)]);
    // Its route has another epoch each time that it is suspended and given back.
    for (let n = 0; n < 10; n++) {
      const request = { droneId: 'b', registration: b.registration, backendId: late.id };
      const { epoch } = await at.scheduler.suspendRoute(request);
      await at.scheduler.settleRoute({ backendId: late.id, epoch, end: false });
    }
    const table = new RouteTable();
    let loads = 0;
    const store = {
      ...at.store,
      duplicate: () => {
        // Resolves at the next load.
        loads++;
        return at.store.duplicate();
      },
    };
    const stop = new AbortController();
    const following = (async () => {
      while (!stop.signal.aborted) {
        await table.follow(store, keys, systemClock, log, stop.signal).catch(() => {});
        await systemClock.sleep(50, stop.signal).catch(() => {});
      }
    })();
    stack.defer(async () => {
      stop.abort();
      await following;
    });
    await eventually(() => table.get(late.id)?.state === RouteState.OPEN);
    const seen = table.get(late.id)!.epoch;
    await redis.restart();
    await eventually(() => loads > 1);
    // No writer has noticed yet.
    expect([table.get(before.id)?.state, table.get(late.id)?.state]).toEqual([
      RouteState.ENDED,
      RouteState.OPEN,
    ]);
    await at.turn();
    await eventually(() => table.get(before.id)?.state === RouteState.OPEN);
    expect(table.get(late.id)?.state).toBe(RouteState.OPEN);
    await a.register();
    await b.register(line(moved, 'moved'), line(late, 'late'));
    await eventually(async () => {
      const rows = await rowsOf(at);
      const known = new Map([...table.rows()].map((row) => [rowId(row), row]));
      expect(rows.map((row) => known.get(rowId(row)))).toEqual(rows);
      expect(table.get(before.id)?.state).toBe(RouteState.ENDED);
    });
    expect(table.get(late.id)?.epoch).toBeLessThan(seen);
  });

  it('restores from inventories what a failover lost, and gives its keys to no other backend', async () => {
    await using stack = new AsyncDisposableStack();
    const primary = await saving(stack);
    const replica = await saving(stack, '--replicaof', '127.0.0.1', String(primary.port));
    const relay = stack.use(await startRelay(primary.port));
    const at = stack.use(await scene({ url: `redis://127.0.0.1:${relay.port}` }, nats));
    const a = await at.drone('a');
    await at.turn();
    await at.proxy('p', 'a');
    const held = await ready(at, a, 'held');
    await eventually(async () => {
      await at.store.send(['HINCRBY', keys.clock, 'now', '1']);
      expect(await at.store.send(['WAIT', '1', '500'])).toBe(1);
    });
    const epoch = at.epoch.current;

    await replica.tell('REPLICAOF NO ONE');
    const lost = await ready(at, a, 'lost');
    await primary.kill();
    relay.to(replica.port);
    await eventually(() => at.turn());
    expect(at.epoch.current).toBeGreaterThan(epoch);
    expect(await get(at, 'held')).toEqual(held);
    await expect(get(at, 'lost', SHORT_MS)).rejects.toMatchObject(WAITS);
    await at.proxy('p', 'a');
    await a.register(line(held, 'held'), line(lost, 'lost'));
    expect(await get(at, 'lost')).toEqual(lost);
    const next = await get(at, 'free');
    expect(next.spawned).toBe(true);
    expect(next.fence).toBeGreaterThan(lost.fence);
    expect(a.started).toHaveLength(3);
  });
});
