/** Connection tokens in a real Redis: what the scheduler writes down, and what every proxy's table has of it. */
import { randomBytes } from 'node:crypto';
import {
  type BackendId,
  connectionTokenId,
  DEADLINES,
  newBackendId,
  newConnectionToken,
  systemClock,
  TOKENS_PER_BACKEND,
} from '@spawner/domain';
import { RouteState } from '@spawner/proto/internal/route';
import { Access, BackendState } from '@spawner/proto/v1/backend';
import { RouteTable } from '@spawner/store';
import { eventually, type Nats, type Redis, startNats, startRedis, startTimeJudge } from '@spawner/testkit';
import { keys, log, scene } from './scheduler-scene.ts';

const HOUR = 3_600_000;
const newTokenId = () => connectionTokenId(newConnectionToken(randomBytes));

describe('connection tokens', () => {
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

  /** A drone with a ready backend that wants tokens, and two tables that follow. */
  async function world() {
    const at = await scene(redis, nats);
    const drone = await at.drone('a');
    const spawn = async (access: Access): Promise<BackendId> => {
      const id = newBackendId(randomBytes);
      await at.spawn({ id, spec: { image: 'app', access } });
      await drone.renew({ id, state: BackendState.READY, revision: 4 });
      return id;
    };
    const id = await spawn(Access.TOKEN);
    const stop = new AbortController();
    const follow = (table: RouteTable) => {
      const following = table.follow(at.store, keys, systemClock, log, stop.signal).catch(() => {});
      return { table, following };
    };
    const followed = [RouteTable.withTokens(), RouteTable.withTokens(), new RouteTable()].map(follow);
    const [one, two, without] = followed.map(({ table }) => table) as [RouteTable, RouteTable, RouteTable];
    await eventually(() => expect(followed.every(({ table }) => table.loaded)).toBe(true));
    const create = async (more: { user?: string; ttlMs?: number; tokenId?: string; id?: string } = {}) => {
      const { user = '', ttlMs = HOUR, tokenId = newTokenId() } = more;
      const request = { id: more.id ?? id, tokenId, user, claims: '', ttlMs };
      return { ...(await at.scheduler.createConnectionToken(request)), tokenId };
    };
    const revoke = async (of: { id?: string; user?: string; tokenId?: string }) =>
      (await at.scheduler.revokeConnectionTokens({ id: '', tokenId: '', ...of })).count;
    const kinds = (table: RouteTable, ...ids: string[]) => ids.map((each) => table.token(each)?.kind);
    const end = async () => {
      stop.abort();
      await Promise.all(followed.map(({ following }) => following));
      await at[Symbol.asyncDispose]();
    };
    return { at, drone, id, spawn, one, two, without, create, revoke, kinds, [Symbol.asyncDispose]: end };
  }

  it('reach every table that keeps them, with their holder and their expiry', async () => {
    await using here = await world();
    const { id, one, two, without, create } = here;
    const before = Date.now();
    const { tokenId, expireTime, backendId } = await create({ user: 'ada' });
    expect(backendId).toBe(id);
    const expireMs = expireTime?.getTime() ?? 0;
    expect(expireMs).toBeGreaterThanOrEqual(before + HOUR);
    expect(expireMs).toBeLessThanOrEqual(Date.now() + HOUR);
    for (const table of [one, two])
      await eventually(() =>
        expect(table.token(tokenId)).toMatchObject({
          kind: 'tokenGrant',
          ...{ backendId: id, user: 'ada', expireMs },
        }),
      );
    await create({ id: await here.spawn(Access.TOKEN) });
    // Two backends and their drone's agent.
    await eventually(() => expect(without.size).toBe(3));
    expect(without.token(tokenId)).toBeUndefined();
  });

  it('are asked for by routes through every change of them, and by no public one', async () => {
    await using here = await world();
    const { at, id, one, drone } = here;
    const open = await here.spawn(Access.PUBLIC);
    await eventually(() => expect(one.get(open)?.state).toBe(RouteState.OPEN));
    expect([one.get(id)?.access, one.get(open)?.access]).toEqual([Access.TOKEN, Access.UNSPECIFIED]);
    await at.proxy('p');
    const suspended = await at.scheduler.suspendRoute({
      droneId: 'a',
      registration: drone.registration,
      backendId: id,
    });
    expect(suspended.suspended).toBe(true);
    await eventually(() => expect(one.get(id)?.state).toBe(RouteState.SUSPENDED));
    expect(one.get(id)?.access).toBe(Access.TOKEN);
    await at.scheduler.settleRoute({ backendId: id, epoch: suspended.epoch, end: false });
    await eventually(() => expect(one.get(id)?.state).toBe(RouteState.OPEN));
    expect(one.get(id)?.access).toBe(Access.TOKEN);
    await drone.renew({ id, state: BackendState.TERMINATED, revision: 6 });
    await eventually(() => expect(one.get(id)?.state).toBe(RouteState.ENDED));
    expect(one.get(id)?.access).toBe(Access.TOKEN);
    expect((await at.scheduler.getBackend({ id })).backend?.access).toBe(Access.TOKEN);
    expect((await at.scheduler.getBackend({ id: open })).backend?.access).toBe(Access.PUBLIC);
  });

  it('are asked for again by a route that an inventory brings back to an emptied store', async () => {
    await using here = await world();
    const { at, drone, id } = here;
    await redis.flush();
    const status = { id, state: BackendState.READY, revision: 5 };
    await drone.register({ status, spec: { image: 'app', access: Access.TOKEN }, placement: 7 });
    const table = RouteTable.withTokens();
    const stop = new AbortController();
    const following = table.follow(at.store, keys, systemClock, log, stop.signal).catch(() => {});
    await eventually(() => expect(table.get(id)?.access).toBe(Access.TOKEN));
    stop.abort();
    await following;
  });

  it('are refused for what is unknown, public or ending, and the same id again is the same token', async () => {
    await using here = await world();
    const { at, id, create, spawn, drone } = here;
    const nobody = newBackendId(randomBytes);
    await expect(create({ id: nobody })).rejects.toMatchObject({ code: 'not_found' });
    await expect(here.revoke({ id: nobody })).rejects.toMatchObject({ code: 'not_found' });
    const open = await spawn(Access.UNSPECIFIED);
    await expect(create({ id: open })).rejects.toMatchObject({ code: 'failed_precondition' });
    await expect(create({ tokenId: 'short' })).rejects.toMatchObject({ code: 'invalid' });
    const { tokenId } = await create();
    await create({ tokenId });
    expect(await at.store.send(['HLEN', keys.tokens(id)])).toBe(1);
    await drone.renew({ id, state: BackendState.TERMINATING, revision: 5 });
    await expect(create()).rejects.toMatchObject({ code: 'failed_precondition' });
  });

  it('have a bound for each backend, which expiry makes room in', async () => {
    await using here = await world();
    const { at, id, create, one } = here;
    const { tokenId } = await create({ ttlMs: 1_000 });
    const fill = Array.from({ length: TOKENS_PER_BACKEND - 1 }, () => [newTokenId(), 'good ']).flat();
    await at.store.send(['HSET', keys.tokens(id), ...fill]);
    await expect(create()).rejects.toMatchObject({ code: 'exhausted' });
    await eventually(() => expect(one.token(tokenId)).toBeDefined());
    await at.pass(1_001);
    await eventually(() => expect(one.token(tokenId)).toBeUndefined());
    await create();
  });

  it('are revoked one by one, by user, or all, at every table within a second', async () => {
    await using here = await world();
    const { at, id, one, two, create, revoke, kinds } = here;
    const users = ['ada', 'ada', 'ada b', 'bob', ''];
    const ids: string[] = [];
    for (const user of users) ids.push((await create({ user })).tokenId);
    const other = await create({ id: await here.spawn(Access.TOKEN), user: 'ada' });
    await eventually(() => expect(kinds(two, ...ids, other.tokenId)).not.toContain(undefined));

    using judge = startTimeJudge();
    const began = Date.now();
    expect(await revoke({ id, user: 'ada' })).toBe(2);
    for (const table of [one, two])
      await eventually(() =>
        expect(kinds(table, ...ids)).toEqual([
          ...['revokedToken', 'revokedToken'],
          ...['tokenGrant', 'tokenGrant', 'tokenGrant'],
        ]),
      );
    judge.expect({ what: 'the revocation', from: began, boundMs: 1_000 });
    expect(await revoke({ id, user: 'ada' })).toBe(0);
    expect(await revoke({ id, user: '' })).toBe(1);
    expect(await revoke({ tokenId: ids[3]! })).toBe(1);
    expect(await revoke({ tokenId: ids[3]! })).toBe(0);
    expect(await revoke({ tokenId: newTokenId() })).toBe(0);
    expect(await revoke({ id, tokenId: other.tokenId })).toBe(0);
    expect(await revoke({ id })).toBe(1);
    for (const table of [one, two]) {
      await eventually(() => expect(kinds(table, ...ids)).toEqual(ids.map(() => 'revokedToken')));
      expect(table.token(other.tokenId)?.kind).toBe('tokenGrant');
    }
    // A table that is loaded now has the revocation, too. Later it is gone.
    await at.pass(DEADLINES.revoked + 1);
    await eventually(() => expect(kinds(one, ...ids)).toEqual(ids.map(() => undefined)));
    expect(await at.store.send(['HLEN', keys.tokens(id)])).toBe(0);
    expect(kinds(one, other.tokenId)).toEqual(['tokenGrant']);
  });

  it('go with the record of their backend, and leave nothing', async () => {
    await using here = await world();
    const { at, id, one, create, revoke, drone } = here;
    const kept = [await create({ ttlMs: 24 * HOUR }), await create({ ttlMs: 24 * HOUR })];
    await revoke({ tokenId: kept[1]!.tokenId });
    await drone.renew({ id, state: BackendState.TERMINATED, revision: 6 });
    await eventually(() => expect(one.get(id)?.state).toBe(RouteState.ENDED));
    expect(one.token(kept[0]!.tokenId)?.kind).toBe('tokenGrant');
    await at.pass(DEADLINES.retention + 1);
    await eventually(() => expect(one.get(id)).toBeUndefined());
    expect(kept.map(({ tokenId }) => one.token(tokenId))).toEqual([undefined, undefined]);
    const left = (await at.store.send(['KEYS', '*'])) as Buffer[];
    expect(left.map(String).filter((key) => key.includes(id))).toEqual([]);
    const due = (await at.store.send(['ZRANGE', keys.due, '0', '-1'])) as Buffer[];
    expect(due.map(String).filter((entry) => entry.startsWith('token/'))).toEqual([]);
  });

  it('are stored by their hash alone', async () => {
    await using here = await world();
    const token = newConnectionToken(randomBytes);
    await here.create({ tokenId: connectionTokenId(token), user: 'ada' });
    const dump: string[] = [];
    for (const key of (await here.at.store.send(['KEYS', '*'])) as Buffer[])
      dump.push(String(key), String(await here.at.store.send(['DUMP', key])));
    expect(dump.join()).toContain(connectionTokenId(token));
    expect(dump.join()).not.toContain(token);
  });
});
