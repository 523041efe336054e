/** A replica of the routes: its age, its use of a copy from disk, and the addresses of agents. */
import { randomBytes } from 'node:crypto';
import { DEADLINES, newBackendId, systemClock } from '@spawner/domain';
import { RouteState } from '@spawner/proto/internal/route';
import { BackendState } from '@spawner/proto/v1/backend';
import { newRoute, RouteTable } from '@spawner/store';
import { eventually, type Nats, type Redis, startNats, startRedis } from '@spawner/testkit';
import { keys, log, scene } from './scheduler-scene.ts';

describe('a replica of the routes', () => {
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

  /** A drone with a ready backend, and a replica that follows once `follow` is called. */
  async function world(table = new RouteTable()) {
    const at = await scene(redis, nats);
    const drone = await at.drone('a');
    await at.turn();
    const id = newBackendId(randomBytes);
    const ready = { id, state: BackendState.READY, revision: 4, local: { host: '10.0.0.2', port: 80 } };
    await at.spawn({ id, spec: { image: 'app' } });
    await drone.renew(ready);
    const stop = new AbortController();
    let following = Promise.resolve();
    const follow = () => {
      following = table.follow(at.store, keys, systemClock, log, stop.signal).catch(() => {});
    };
    const end = async () => {
      stop.abort();
      await following;
      await at[Symbol.asyncDispose]();
    };
    return { at, drone, id, ready, table, follow, [Symbol.asyncDispose]: end };
  }

  it('knows the address of an agent from its registration until the drone is forgotten, and follows a change', async () => {
    await using made = await world();
    const { at, drone, table, follow } = made;
    follow();
    await eventually(() => expect(table.agentOf('a')).toBe(drone.node.rpcAddress));
    const entries = async () => Number(await at.store.send(['HGET', keys.routeHead, 'n']));
    const before = await entries();
    // Without its backend, whose end is the one entry.
    await drone.register();
    expect(await entries()).toBe(before + 1);
    await at.nodeStore.admit('a', drone.registration, 'elsewhere:1');
    await eventually(() => expect(table.agentOf('a')).toBe('elsewhere:1'));
    await at.nodeStore.admit('a', drone.registration, 'elsewhere:11');
    await eventually(() => expect(table.agentOf('a')).toBe('elsewhere:11'));
    await at.pass(DEADLINES.droneForgotten + 1);
    await at.scheduler.forgetDrone({ id: 'a' });
    await eventually(() => expect(table.agentOf('a')).toBeUndefined());
  });

  it('is as old as its last look at a store that agrees with it', async () => {
    await using made = await world();
    const { at, table, id, follow } = made;
    expect(table.asOf(id)).toBe(Number.NEGATIVE_INFINITY);
    const began = systemClock.now();
    follow();
    await eventually(() => expect(table.asOf(id)).toBeGreaterThanOrEqual(began));
    const first = table.asOf(id);
    await eventually(() => expect(table.asOf(id)).toBeGreaterThan(first));
    await at.store.send(['DEL', keys.routes, keys.routeHead, keys.routeLog]);
    const emptied = systemClock.now();
    await expect(
      eventually(() => expect(table.asOf(id)).toBeGreaterThan(emptied), { timeoutMs: 8_000 }),
    ).rejects.toThrow();
    expect(table.get(id)?.state).toBe(RouteState.OPEN);
  });

  it('takes a copy for old until the store has been read, and then believes the store', async () => {
    const table = new RouteTable();
    await using made = await world(table);
    const { at, id, follow } = made;
    const [epoch, n] = (await at.store.send(['HMGET', keys.routeHead, 'epoch', 'n'])) as Buffer[];
    const kept = [
      newRoute({ backendId: id, epoch: 1, state: RouteState.PENDING }),
      newRoute({ backendId: 'gone', epoch: 1, state: RouteState.OPEN }),
    ];
    table.restore({ epoch: Number(String(epoch)), n: Number(String(n)) - 1 }, kept);
    expect([table.get(id)?.state, table.asOf(id), table.loads]).toEqual([
      RouteState.PENDING,
      Number.NEGATIVE_INFINITY,
      0,
    ]);
    follow();
    await eventually(() => expect(table.get(id)?.state).toBe(RouteState.OPEN));
    expect(table.get('gone')).toBeUndefined();
    expect(table.asOf(id)).toBeGreaterThan(Number.NEGATIVE_INFINITY);
  });

  it('keeps the routes of a copy that a store of another epoch lacks, and takes them for old', async () => {
    const table = new RouteTable();
    await using made = await world(table);
    table.restore({ epoch: 1, n: 1 }, [newRoute({ backendId: 'kept', epoch: 1, state: RouteState.OPEN })]);
    made.follow();
    await eventually(() => expect(table.get(made.id)?.state).toBe(RouteState.OPEN));
    expect([table.get('kept')?.state, table.asOf('kept')]).toEqual([
      RouteState.OPEN,
      Number.NEGATIVE_INFINITY,
    ]);
    expect(table.asOf(made.id)).toBeGreaterThan(Number.NEGATIVE_INFINITY);
  });
});
