import { randomBytes } from 'node:crypto';
import { DEADLINES, newBackendId, systemClock } from '@spawner/domain';
import { Node, NodeKind, type ProcessIdentity } from '@spawner/proto/internal/node';
import { RouteState } from '@spawner/proto/internal/route';
import { SettleOutcome } from '@spawner/proto/internal/scheduler_service';
import { type BackendKey, BackendSpec, BackendState, EndReason } from '@spawner/proto/v1/backend';
import type { Route } from '@spawner/store';
import { RouteTable } from '@spawner/store';
import { eventually, type Nats, type Redis, startNats, startRedis } from '@spawner/testkit';
import { keys, log, scene } from './scheduler-scene.ts';

const { OPEN, ENDED, UNSPECIFIED } = SettleOutcome;
const spec = BackendSpec.fromPartial({ image: 'app' });
const local = { host: '10.0.0.1', port: 80 };
/** A pass that ends before a suspension: its two sweeps advance the cluster clock by up to 4 s more. */
const ALMOST = DEADLINES.suspension - 2 * DEADLINES.clockTurn - 1;

describe('an end for idleness in the store', () => {
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

  /** A drone with one backend that is ready, and a replica that writes down every route. */
  async function session(endpoints: object = { local }, key?: BackendKey) {
    const stack = new AsyncDisposableStack();
    const scene_ = stack.use(await scene(redis, nats));
    const { scheduler, store } = scene_;
    const drone = await scene_.drone('a');
    const id = newBackendId(randomBytes);
    await scene_.spawn({ id, spec, key });
    await drone.renew({ id, state: BackendState.READY, revision: 4, ...endpoints });
    const table = new RouteTable();
    const seen: Route[] = [];
    const stop = new AbortController();
    const following = table.follow(store, keys, systemClock, log, stop.signal).catch((error) => {
      if (!stop.signal.aborted) console.error(error);
    });
    stack.defer(async () => {
      stop.abort();
      await following;
    });
    await eventually(() => table.loaded);
    table.onChange((_, row) => row?.kind === 'backend' && seen.push(row));
    const proxy = (name: string, droneId: string, process?: ProcessIdentity) =>
      scheduler.registerNode({
        highestPlacement: 0,
        node: Node.fromPartial({ kind: NodeKind.PROXY, id: name, droneId, process }),
        inventory: [],
      });
    const suspend = (registration = drone.registration, droneId = 'a') =>
      scheduler.suspendRoute({ droneId, registration, backendId: id });
    const settle = async (epoch: number, end: boolean) =>
      (await scheduler.settleRoute({ backendId: id, epoch, end })).outcome;
    const pass = async (ms: number) => {
      await scene_.turn();
      await store.send(['HINCRBY', keys.clock, 'now', String(ms)]);
      await scene_.turn();
    };
    return {
      ...scene_,
      ...{ drone, id, table, seen, proxy, suspend, settle, pass },
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  }

  it('suspends an open route for its drone and its present registration alone', async () => {
    await using it_ = await session();
    const other = await it_.drone.renew();
    expect(other.stops).toEqual([]);
    const no = { suspended: false, epoch: 0, proxies: [] };
    expect(await it_.suspend(it_.drone.registration - 1)).toEqual(no);
    expect(await it_.suspend(it_.drone.registration, 'b')).toEqual(no);
    expect((await it_.suspend()).suspended).toBe(true);
    expect(await it_.suspend(it_.drone.registration - 1)).toEqual(no);
    expect(await it_.suspend(it_.drone.registration, 'b')).toEqual(no);
    await eventually(() => it_.table.get(it_.id)?.state === RouteState.SUSPENDED);
    expect(it_.table.get(it_.id)).toMatchObject({ droneId: 'a', local, backendState: BackendState.READY });
  });

  it('continues a suspension whose settlement failed, at once and without another one', async () => {
    await using it_ = await session();
    await it_.proxy('near', 'a');
    const first = await it_.suspend();
    await it_.pass(ALMOST);
    const again = await it_.suspend();
    expect([again.suspended, again.epoch]).toEqual([true, first.epoch]);
    expect(again.proxies.map(({ id }) => id)).toEqual(['near']);
    // It has its whole time again before it is given back.
    await it_.pass(ALMOST);
    const own = it_.seen.filter(({ backendId }) => backendId === it_.id);
    expect(own.map(({ state }) => state)).toEqual([RouteState.SUSPENDED]);
    expect(await it_.settle(first.epoch, true)).toBe(ENDED);
    expect((await it_.suspend()).suspended).toBe(false);
    const due = (await it_.store.send(['ZRANGE', keys.due, '0', '-1'])) as Buffer[];
    expect(due.map(String).filter((each) => each.startsWith('suspend/'))).toEqual([]);
  });

  it('says which registration of a proxy the listed one replaced', async () => {
    await using it_ = await session();
    const before = await it_.proxy('near', 'a');
    const process = { bootId: 'b', pidNamespace: 1, timeNamespace: 2, pid: 3, startTicks: 4 };
    const present = await it_.proxy('near', 'a', process);
    const { proxies } = await it_.suspend();
    expect(proxies).toMatchObject([
      { registration: present.registration, replacedRegistration: before.registration, process },
    ]);
  });

  it('does not suspend what is starting, ending, ended or unknown', async () => {
    await using it_ = await session();
    const { scheduler, drone } = it_;
    const starting = newBackendId(randomBytes);
    await it_.spawn({ id: starting, spec });
    const of = (backendId: string) =>
      scheduler.suspendRoute({ droneId: 'a', registration: drone.registration, backendId });
    expect((await of(starting)).suspended).toBe(false);
    expect((await of(newBackendId(randomBytes))).suspended).toBe(false);
    await drone.renew({ id: it_.id, state: BackendState.TERMINATING, revision: 5 });
    expect((await of(it_.id)).suspended).toBe(false);
    await drone.renew({ id: it_.id, state: BackendState.TERMINATED, revision: 6 });
    expect((await of(it_.id)).suspended).toBe(false);
  });

  it('names the proxies that can reach the backend, lapsed ones until they are forgotten', async () => {
    await using it_ = await session();
    for (const [name, droneId] of [
      ['near', 'a'],
      ['far', 'b'],
      ['loose', ''],
    ])
      await it_.proxy(name!, droneId!);
    const first = await it_.suspend();
    expect(first.proxies.map(({ id, lapsed }) => [id, lapsed])).toEqual([['near', false]]);
    await it_.settle(first.epoch, false);

    await it_.pass(DEADLINES.renewalsMissed + 1);
    const second = await it_.suspend();
    expect(second.proxies.map(({ id, lapsed }) => [id, lapsed])).toEqual([['near', true]]);
    await it_.settle(second.epoch, false);

    await it_.store.send(['HINCRBY', keys.clock, 'now', String(DEADLINES.proxyForgotten)]);
    expect((await it_.suspend()).proxies).toEqual([]);
  });

  it('names every proxy where the backend is reached over the network', async () => {
    await using it_ = await session({ local, network: { host: '192.0.2.1', port: 32_000 } });
    await it_.proxy('near', 'a');
    await it_.proxy('far', 'b');
    expect((await it_.suspend()).proxies.map(({ id }) => id).sort()).toEqual(['far', 'near']);
  });

  it('gives a route back: replicas see open, suspended and open with growing epochs', async () => {
    await using it_ = await session();
    const { epoch } = await it_.suspend();
    expect(await it_.settle(epoch, false)).toBe(OPEN);
    await eventually(() => it_.seen.length === 2);
    expect(it_.seen.map(({ state }) => state)).toEqual([RouteState.SUSPENDED, RouteState.OPEN]);
    expect(it_.seen[0]?.epoch).toBe(epoch);
    expect(it_.seen[1]?.epoch).toBeGreaterThan(epoch);
    expect(it_.seen[1]).toMatchObject({ local, droneId: 'a', backendState: BackendState.READY });
    const again = await it_.suspend();
    expect(again.epoch).toBeGreaterThan(it_.seen[1]?.epoch ?? Number.POSITIVE_INFINITY);
  });

  it('lets the first decide: an end after the giving back changes nothing', async () => {
    await using it_ = await session();
    const { epoch } = await it_.suspend();
    const outcomes = await Promise.all([it_.settle(epoch, false), it_.settle(epoch, true)]);
    expect(outcomes).toEqual([OPEN, OPEN]);
    expect((await it_.drone.renew()).stops).toEqual([]);
    // Nor does one of an older suspension, whatever became of the route since.
    const later = await it_.suspend();
    expect(await it_.settle(epoch, true)).toBe(OPEN);
    expect(await it_.settle(later.epoch, true)).toBe(ENDED);
    expect(await it_.settle(epoch, false)).toBe(ENDED);
  });

  it('lets the first call decide: a resume after the end gets the end, which lasts until it is reported', async () => {
    await using it_ = await session();
    const { epoch } = await it_.suspend();
    expect(await Promise.all([it_.settle(epoch, true), it_.settle(epoch, false)])).toEqual([ENDED, ENDED]);
    const order = { id: it_.id, force: false, reason: EndReason.IDLE };
    expect((await it_.drone.renew()).stops).toEqual([order]);
    await eventually(() => it_.table.get(it_.id)?.state === RouteState.ENDED);
    expect(it_.table.get(it_.id)).toMatchObject({
      endReason: EndReason.IDLE,
      backendState: BackendState.TERMINATING,
    });
    // A late word of the agent opens nothing.
    const ready = { id: it_.id, state: BackendState.READY, revision: 5, local };
    expect((await it_.drone.renew(ready)).stops).toEqual([order]);
    expect((await it_.suspend()).suspended).toBe(false);
    await it_.drone.renew({
      id: it_.id,
      state: BackendState.TERMINATED,
      revision: 6,
      endReason: EndReason.IDLE,
    });
    expect((await it_.drone.renew()).stops).toEqual([]);
    expect(it_.seen.map(({ state }) => state)).not.toContain(RouteState.OPEN);
  });

  it('is resumed by a spawn whose key its backend holds, so that no caller gets a backend that is about to end', async () => {
    const key = { namespace: '', name: 'room', tag: '' };
    await using it_ = await session({ local }, key);
    const { epoch } = await it_.suspend();
    const { backend, spawned } = await it_.spawn({ id: newBackendId(randomBytes), spec, key });
    expect([backend?.id, spawned]).toEqual([it_.id, false]);
    await eventually(() => it_.table.get(it_.id)?.state === RouteState.OPEN);
    expect(await it_.settle(epoch, true)).toBe(OPEN);
    expect((await it_.drone.renew()).stops).toEqual([]);
  });

  it('leaves a stricter stop order unchanged', async () => {
    await using it_ = await session();
    const { epoch } = await it_.suspend();
    await it_.scheduler.terminateBackend({ id: it_.id, force: true });
    expect(await it_.settle(epoch, true)).toBe(ENDED);
    expect((await it_.drone.renew()).stops).toEqual([
      { id: it_.id, force: true, reason: EndReason.REQUESTED },
    ]);
  });

  it('leaves an order to kill unchanged when an end with grace is requested', async () => {
    await using it_ = await session();
    const terminate = (force: boolean) => it_.scheduler.terminateBackend({ id: it_.id, force });
    const order = { id: it_.id, reason: EndReason.REQUESTED };
    await terminate(false);
    expect((await it_.drone.renew()).stops).toEqual([{ ...order, force: false }]);
    for (const force of [true, false]) await terminate(force);
    expect((await it_.drone.renew()).stops).toEqual([{ ...order, force: true }]);
  });

  it('keeps a route suspended when its agent reports meanwhile, and gives the present address back', async () => {
    await using it_ = await session();
    const { epoch } = await it_.suspend();
    const moved = { host: '10.0.0.9', port: 81 };
    await it_.drone.renew({ id: it_.id, state: BackendState.READY, revision: 5, local: moved });
    expect((await it_.suspend()).epoch).toBe(epoch);
    expect(await it_.settle(epoch, false)).toBe(OPEN);
    await eventually(() => it_.seen.length === 2);
    expect(it_.seen.map(({ state }) => state)).toEqual([RouteState.SUSPENDED, RouteState.OPEN]);
    expect(it_.seen[1]?.local).toEqual(moved);
  });

  it('takes an end that the agent reports meanwhile', async () => {
    await using it_ = await session();
    const { epoch } = await it_.suspend();
    const failed = { state: BackendState.TERMINATED, revision: 5, endReason: EndReason.FAILED };
    await it_.drone.renew({ id: it_.id, ...failed });
    expect(await it_.settle(epoch, false)).toBe(ENDED);
    await eventually(() => it_.table.get(it_.id)?.endReason === EndReason.FAILED);
  });

  it('is given back by the sweep where its agent died, not before its time, and a later suspension is left alone', async () => {
    await using it_ = await session();
    const first = await it_.suspend();
    await it_.pass(DEADLINES.suspension - 5_000);
    expect(it_.seen.map(({ state }) => state)).not.toContain(RouteState.OPEN);
    await it_.pass(5_001);
    await eventually(() => it_.table.get(it_.id)?.state === RouteState.OPEN);
    expect(await it_.settle(first.epoch, true)).toBe(OPEN);

    const second = await it_.suspend();
    await it_.settle(second.epoch, false);
    const third = await it_.suspend();
    await it_.pass(ALMOST);
    await eventually(() => it_.table.get(it_.id)?.epoch === third.epoch);
    expect(await it_.settle(third.epoch, true)).toBe(ENDED);
    const due = (await it_.store.send(['ZRANGE', keys.due, '0', '-1'])) as Buffer[];
    expect(due.map(String)).toEqual(['lease/a']);
  });

  it('answers that it cannot tell where the store knows the backend no more', async () => {
    await using it_ = await session();
    const { epoch } = await it_.suspend();
    await redis.flush();
    expect(await it_.settle(epoch, true)).toBe(UNSPECIFIED);
  });
});
