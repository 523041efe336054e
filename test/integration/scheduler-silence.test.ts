/** A drone that misses its renewals: one entry tells the edge, whatever the drone runs. */
import { randomBytes } from 'node:crypto';
import { DEADLINES, newBackendId, systemClock } from '@spawner/domain';
import { BackendState } from '@spawner/proto/v1/backend';
import { RouteTable } from '@spawner/store';
import { eventually, type Nats, type Redis, startNats, startRedis } from '@spawner/testkit';
import { keys, log, scene } from './scheduler-scene.ts';

const BACKENDS = 5;

describe('a drone that misses its renewals', () => {
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

  /** Two drones, the first with some ready backends, and a replica that follows. */
  async function followed() {
    const at = await scene(redis, nats);
    const a = await at.drone('a');
    await at.turn();
    const ids = Array.from({ length: BACKENDS }, () => newBackendId(randomBytes));
    for (const id of ids) await at.spawn({ id, spec: { image: 'app' } });
    await a.renew(...ids.map((id) => ({ id, state: BackendState.READY, revision: 4 })));
    const b = await at.drone('b');
    const table = new RouteTable();
    const stop = new AbortController();
    const following = table.follow(at.store, keys, systemClock, log, stop.signal).catch(() => {});
    // And where the agents of the two drones are asked.
    await eventually(() => expect(table.size).toBe(BACKENDS + 2));
    const entries = async () => Number(await at.store.send(['HGET', keys.routeHead, 'n']));
    const end = async () => {
      stop.abort();
      await following;
      await at[Symbol.asyncDispose]();
    };
    return { at, a, b, ids, table, entries, [Symbol.asyncDispose]: end };
  }

  it('is one entry for the edge, once, and its routes stay', async () => {
    await using world = await followed();
    const { at, b, table, ids, entries } = world;
    const before = await entries();
    // Each sweep also advances the cluster clock itself, by at most 2 s.
    await at.pass(DEADLINES.renewalsMissed - 2_500);
    await b.renew();
    expect(await entries()).toBe(before);
    await at.pass(2_501);
    await eventually(() => expect(table.isSilent('a')).toBe(true));
    expect(table.isSilent('b')).toBe(false);
    for (let turns = 0; turns < 3; turns++) {
      await b.renew();
      await at.pass(1_000);
    }
    expect(await entries()).toBe(before + 1);
    expect(ids.map((id) => table.get(id)?.state)).toEqual(ids.map(() => 2));
  });

  it('is heard of again with its next renewal, and with a registration', async () => {
    await using world = await followed();
    const { at, a, b, table } = world;
    for (const back of [() => a.renew(), () => a.register()]) {
      await at.pass(DEADLINES.renewalsMissed + 1);
      await eventually(() => expect(table.isSilent('a')).toBe(true));
      await back();
      await eventually(() => expect(table.isSilent('a')).toBe(false));
    }
    await b.renew();
    await eventually(() => expect(table.isSilent('b')).toBe(false));
  });

  it('is known to a replica that comes later, until the drone is forgotten', async () => {
    await using world = await followed();
    const { at, table } = world;
    await at.pass(DEADLINES.renewalsMissed + 1);
    const later = new RouteTable();
    const stop = new AbortController();
    const following = later.follow(at.store, keys, systemClock, log, stop.signal).catch(() => {});
    await eventually(() => expect(later.isSilent('a')).toBe(true));
    await at.scheduler.forgetDrone({ id: 'a' });
    await eventually(() => expect([table.isSilent('a'), later.isSilent('a')]).toEqual([false, false]));
    for (let turns = 0; turns < 3; turns++) await at.pass(DEADLINES.renewalsMissed);
    expect(table.isSilent('a')).toBe(false);
    stop.abort();
    await following;
  });

  it('costs a drone that renews nothing in the log', async () => {
    await using world = await followed();
    const { at, a, b, entries } = world;
    const before = await entries();
    for (let renewals = 0; renewals < 10; renewals++) {
      await at.pass(2_000);
      await Promise.all([a.renew(), b.renew()]);
    }
    expect(await entries()).toBe(before);
  });
});
