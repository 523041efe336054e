import { randomBytes } from 'node:crypto';
import { DEADLINES, newBackendId, systemClock } from '@spawner/domain';
import { BackendStatus, InventoryEntry } from '@spawner/proto/internal/backend_status';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import { RouteState } from '@spawner/proto/internal/route';
import { RenewVerdict } from '@spawner/proto/internal/scheduler_service';
import { BackendSpec, BackendState, EndReason } from '@spawner/proto/v1/backend';
import { type Route, RouteTable } from '@spawner/store';
import { eventually, type Nats, type Redis, startNats, startRedis } from '@spawner/testkit';
import { keys, log, scene } from './scheduler-scene.ts';

const spec = (change: Partial<BackendSpec> = {}) => BackendSpec.fromPartial({ image: 'app', ...change });
const id = () => newBackendId(randomBytes);

describe('the scheduler', () => {
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

  it('places on the least loaded drone that fits, and hands the whole spec to it', async () => {
    await using scene_ = await scene(redis, nats);
    const [a, b] = [await scene_.drone('a'), await scene_.drone('b', { capacity: { backends: 100 } })];
    for (const image of ['one', 'two', 'three', 'four'])
      await scene_.spawn({ id: id(), spec: spec({ image, env: { A: 'b' } }) });
    expect([...a.started, ...b.started].map(({ spec: got }) => [got?.image, got?.env]).sort()).toEqual([
      ['four', { A: 'b' }],
      ['one', { A: 'b' }],
      ['three', { A: 'b' }],
      ['two', { A: 'b' }],
    ]);
    expect(b.started.length).toBe(3);
  });

  it('never promises more than a drone has, however many ask at once', async () => {
    await using scene_ = await scene(redis, nats);
    await scene_.drone('a', { capacity: { memoryBytes: 10e6 * 4 } });
    const ask = () =>
      scene_.spawn({
        id: id(),
        spec: spec({ resources: { cpuMillis: 0, memoryBytes: 10e6, pids: 0 } }),
      });
    const outcomes = await Promise.allSettled(Array.from({ length: 9 }, ask));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(refused.map(({ code, message }) => [code, message])).toEqual(
      Array(5).fill(['exhausted', 'no drone has room: of 1, 1 are full and 0 have not renewed']),
    );
    const large = { cpuMillis: 0, memoryBytes: 40e6 + 1, pids: 0 };
    await expect(scene_.spawn({ id: id(), spec: spec({ resources: large }) })).rejects.toMatchObject({
      message: 'no drone is large enough: memory_bytes 40000001 is more than any has (40000000)',
    });
    const { drones } = await scene_.scheduler.listDrones({});
    expect(drones[0]?.reserved).toEqual({ cpuMillis: 0, memoryBytes: 40e6, backends: 4 });
  });

  it('takes the same id again for the same spawn', async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const same = id();
    const [first, second] = [
      await scene_.spawn({ id: same, spec: spec() }),
      await scene_.spawn({ id: same, spec: spec() }),
    ];
    expect(second).toEqual(first);
    expect(a.started).toHaveLength(1);
  });

  it('says why nothing could be placed', async () => {
    await using scene_ = await scene(redis, nats);
    await expect(scene_.spawn({ id: id(), spec: spec() })).rejects.toMatchObject({
      code: 'exhausted',
      message: 'no drone is registered',
    });
  });

  it('ends a backend that its drone did not take, gives the room back and tries that drone no more before it renews', async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a', { takes: false });
    const lost = id();
    await expect(scene_.spawn({ id: lost, spec: spec() })).rejects.toMatchObject({
      code: 'unavailable',
      message: 'drone a did not take the backend',
    });
    const { backend } = await scene_.scheduler.getBackend({ id: lost });
    expect(backend).toMatchObject({
      state: BackendState.TERMINATED,
      endReason: EndReason.INTERNAL,
      endDetail: 'drone a did not take it',
    });
    await expect(scene_.spawn({ id: id(), spec: spec() })).rejects.toMatchObject({
      code: 'exhausted',
    });
    expect((await scene_.scheduler.listDrones({})).drones[0]?.reserved?.backends).toBe(0);
    expect((await a.renew()).stops).toEqual([{ id: lost, force: true, reason: EndReason.INTERNAL }]);
  });

  it("follows what two backends' agents report, each in order, and mixes nothing up", async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const [one, two] = [id(), id()];
    for (const each of [one, two]) await scene_.spawn({ id: each, spec: spec({ labels: { name: each } }) });
    await a.renew({ id: one, state: BackendState.READY, revision: 4, local: { host: '10.0.0.1', port: 80 } });
    await a.renew(
      { id: one, state: BackendState.LOADING, revision: 1 },
      { id: two, state: BackendState.LOADING, revision: 1 },
    );
    await a.renew({ id: one, state: BackendState.WAITING, revision: 9 });
    const states = await Promise.all(
      [one, two].map(async (each) => (await scene_.scheduler.getBackend({ id: each })).backend),
    );
    expect(states.map((backend) => [backend?.state, backend?.revision, backend?.labels.name])).toEqual([
      [BackendState.READY, 5, one],
      [BackendState.LOADING, 2, two],
    ]);
  });

  it('writes routes that a replica follows: pending, open, ended, and gone after the retention', async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const table = new RouteTable();
    const seen: (Route | undefined)[] = [];
    const stop = new AbortController();
    const following = table.follow(scene_.store, keys, systemClock, log, stop.signal).catch((error) => {
      if (!stop.signal.aborted) console.error(error);
    });
    await eventually(() => expect(table.loaded).toBe(true));
    table.onChange((one) => seen.push(table.get(one)));
    const one = id();
    await scene_.spawn({ id: one, spec: spec() });
    await a.renew({ id: one, state: BackendState.READY, revision: 4, local: { host: '10.0.0.1', port: 80 } });
    await a.renew({ id: one, state: BackendState.READY, revision: 5, local: { host: '10.0.0.1', port: 80 } });
    await a.renew({ id: one, state: BackendState.TERMINATING, revision: 6 });
    await a.renew({ id: one, state: BackendState.TERMINATED, revision: 7, endReason: EndReason.IDLE });
    await scene_.backendStore.forget(one);
    await eventually(() => expect(seen).toHaveLength(5));
    expect(seen.map((route) => route && [route.state, route.droneId, route.local, route.endReason])).toEqual([
      [RouteState.PENDING, 'a', undefined, EndReason.UNSPECIFIED],
      [RouteState.OPEN, 'a', { host: '10.0.0.1', port: 80 }, EndReason.UNSPECIFIED],
      [RouteState.ENDED, 'a', undefined, EndReason.UNSPECIFIED],
      [RouteState.ENDED, 'a', undefined, EndReason.IDLE],
      undefined,
    ]);
    const epochs = seen.map((route) => route?.epoch ?? Number.POSITIVE_INFINITY);
    expect(epochs).toEqual([...epochs].sort((x, y) => x - y));
    expect(table.loads).toBe(1);
    stop.abort();
    await following;
  });

  it('keeps a replica right when its log was cut or the store emptied', async () => {
    await using scene_ = await scene(redis, nats);
    await scene_.drone('a');
    const table = new RouteTable();
    const stop = new AbortController();
    const [one, two] = [id(), id()];
    await scene_.spawn({ id: one, spec: spec() });
    const following = table.follow(scene_.store, keys, systemClock, log, stop.signal).catch((error) => {
      if (!stop.signal.aborted) console.error(error);
    });
    await eventually(() => expect(table.get(one)).toBeDefined());
    await scene_.store.send(['HINCRBY', keys.routeHead, 'n', '5']);
    await scene_.spawn({ id: two, spec: spec() });
    await eventually(() => expect(table.get(two)).toBeDefined());
    expect(table.loads).toBe(2);
    await redis.flush();
    await scene_.drone('a');
    const three = id();
    await scene_.spawn({ id: three, spec: spec() });
    await eventually(() => expect(table.get(three)).toBeDefined(), { timeoutMs: 15_000 });
    expect([table.get(one), table.get(two)]).toEqual([expect.anything(), expect.anything()]);
    stop.abort();
    await following;
  });

  it('repeats a wanted end until the drone has reported it, and takes ending twice for success', async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const [one, two] = [id(), id()];
    for (const each of [one, two]) await scene_.spawn({ id: each, spec: spec() });
    await scene_.scheduler.terminateBackend({ id: one, force: false });
    await scene_.scheduler.terminateBackend({ id: one, force: true });
    const order = { id: one, force: true, reason: EndReason.REQUESTED };
    expect((await a.renew()).stops).toEqual([order]);
    expect((await a.renew({ id: one, state: BackendState.TERMINATING, revision: 2 })).stops).toEqual([order]);
    const answer = await a.renew({
      id: one,
      state: BackendState.TERMINATED,
      revision: 3,
      endReason: EndReason.REQUESTED,
    });
    expect([answer.stops, answer.ended]).toEqual([[], [one]]);
    await scene_.scheduler.terminateBackend({ id: one, force: false });
    expect((await a.renew()).stops).toEqual([]);
    expect((await scene_.scheduler.getBackend({ id: two })).backend?.state).toBe(BackendState.SCHEDULED);
    await expect(scene_.scheduler.terminateBackend({ id: id(), force: false })).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  it('lists newest first in pages, by state, drone and label', async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const ids = Array.from({ length: 5 }, id);
    for (const [n, each] of ids.entries())
      await scene_.spawn({ id: each, spec: spec({ labels: { parity: String(n % 2) } }) });
    await a.renew({ id: ids[4]!, state: BackendState.READY, revision: 1 });
    const query = { pageSize: 2, pageToken: '', states: [], droneId: '', labels: {} };
    const first = await scene_.scheduler.listBackends(query);
    const second = await scene_.scheduler.listBackends({ ...query, pageToken: first.nextPageToken });
    const third = await scene_.scheduler.listBackends({ ...query, pageToken: second.nextPageToken });
    expect([first, second, third].map(({ backends }) => backends.map((backend) => backend.id))).toEqual([
      [ids[4], ids[3]],
      [ids[2], ids[1]],
      [ids[0]],
    ]);
    expect(third.nextPageToken).toBe('');
    const find = async (change: object) =>
      (await scene_.scheduler.listBackends({ ...query, pageSize: 100, ...change })).backends.map(
        (backend) => backend.id,
      );
    expect(await find({ states: [BackendState.READY] })).toEqual([ids[4]]);
    expect(await find({ labels: { parity: '1' } })).toEqual([ids[3], ids[1]]);
    expect(await find({ droneId: 'b' })).toEqual([]);
    await expect(scene_.scheduler.listBackends({ ...query, pageToken: 'x' })).rejects.toMatchObject({
      code: 'invalid',
    });
  });

  it('does not believe an old registration', async () => {
    await using scene_ = await scene(redis, nats);
    const old = await scene_.drone('a');
    const present = await scene_.drone('a');
    expect((await old.renew()).verdict).toBe(RenewVerdict.REGISTER);
    expect((await present.renew()).verdict).toBe(RenewVerdict.GRANTED);
    expect(present.registration).toBeGreaterThan(old.registration);
  });

  it('writes its tables again from inventories after the store was emptied', async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const one = id();
    await scene_.spawn({ id: one, spec: spec() });
    await redis.flush();
    expect((await a.renew()).verdict).toBe(RenewVerdict.REGISTER);
    const status = BackendStatus.fromPartial({ id: one, state: BackendState.READY, revision: 4 });
    const entry = InventoryEntry.fromPartial({
      status,
      spec: {
        image: 'app',
        labels: {},
        idleTimeoutMs: 5,
        lifetimeLimitMs: 0,
        cpuMillis: 500,
        memoryBytes: 0,
        digest: Buffer.alloc(0),
      },
      createTime: new Date(5),
      placement: 7,
    });
    await scene_.scheduler.registerNode({ node: a.node, inventory: [entry], highestPlacement: 0 });
    expect((await scene_.scheduler.getBackend({ id: one })).backend).toMatchObject({
      state: BackendState.READY,
      image: 'app',
      createTime: new Date(5),
      droneId: 'a',
    });
    expect((await scene_.scheduler.listDrones({})).drones[0]?.reserved).toMatchObject({
      cpuMillis: 500,
      backends: 1,
    });
  });

  it('ends what a drone once reported and no longer has, and stops what it should not have', async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const [lost, ended] = [id(), id()];
    for (const each of [lost, ended]) await scene_.spawn({ id: each, spec: spec() });
    await a.renew(
      { id: lost, state: BackendState.READY, revision: 4 },
      { id: ended, state: BackendState.TERMINATED, revision: 5, endReason: EndReason.IDLE },
    );
    const status = BackendStatus.fromPartial({ id: ended, state: BackendState.READY, revision: 4 });
    const answer = await scene_.scheduler.registerNode({
      highestPlacement: 0,
      node: a.node,
      inventory: [{ status, spec: undefined, createTime: undefined, placement: 1 }],
    });
    expect(answer.stops.map(({ id: of }) => of)).toContain(ended);
    expect((await scene_.scheduler.getBackend({ id: lost })).backend).toMatchObject({
      state: BackendState.TERMINATED,
      endReason: EndReason.DRONE_LOST,
    });
  });

  it('gives up a reservation that no drone ever reported on', async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const [silent, alive] = [id(), id()];
    for (const each of [silent, alive]) await scene_.spawn({ id: each, spec: spec() });
    await a.renew({ id: alive, state: BackendState.LOADING, revision: 1 });
    await scene_.turn();
    await scene_.store.send(['HINCRBY', keys.clock, 'now', String(DEADLINES.reservation + 1)]);
    await scene_.turn();
    const [one, two] = await Promise.all(
      [silent, alive].map(async (each) => (await scene_.scheduler.getBackend({ id: each })).backend),
    );
    expect([one?.state, one?.endReason]).toEqual([BackendState.TERMINATED, EndReason.INTERNAL]);
    expect(two?.state).toBe(BackendState.LOADING);
  });

  it('repeats the end of what it gave up until the drone says that it is over, and not until it is forgotten', async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const backend = id();
    await scene_.spawn({ id: backend, spec: spec() });
    await scene_.pass(DEADLINES.reservation + 1);
    await scene_.turn();
    const stops = async (...changed: Parameters<typeof a.renew>) =>
      (await a.renew(...changed)).stops.map((order) => order.id);
    expect(await stops()).toEqual([backend]);
    expect(await stops({ id: backend, state: BackendState.LOADING, revision: 1 })).toContain(backend);
    await a.renew({ id: backend, state: BackendState.TERMINATED, revision: 1_000_000 });
    expect(await stops()).toEqual([]);
    const { backend: record } = await scene_.scheduler.getBackend({ id: backend });
    expect([record?.state, record?.endReason]).toEqual([BackendState.TERMINATED, EndReason.INTERNAL]);
  });

  it('forgets a DNS server that came back under another name, and keeps the one that renews', async () => {
    await using scene_ = await scene(redis, nats);
    const register = (name: string) =>
      scene_.scheduler.registerNode({
        highestPlacement: 0,
        node: Node.fromPartial({ kind: NodeKind.DNS, id: name }),
        inventory: [],
      });
    await register('dns-1');
    await scene_.pass(DEADLINES.droneForgotten + 1);
    await register('dns-2');
    await scene_.turn();
    const ids = async () => (await scene_.nodeStore.list(NodeKind.DNS)).map(({ node }) => node.id);
    expect(await ids()).toEqual(['dns-2']);
    expect(String(await scene_.store.send(['HKEYS', keys.renewals]))).not.toContain('dns-1');
  });

  it('moves the cluster clock by two seconds at the most, and never back, however the time of Redis jumps', async () => {
    await using scene_ = await scene(redis, nats);
    await scene_.turn();
    const now = async () => Number(String(await scene_.store.send(['HGET', keys.clock, 'now'])));
    const before = await now();
    for (const last of [0, Date.now() + 3_600_000]) {
      await scene_.store.send(['HSET', keys.clock, 'last', String(last)]);
      await scene_.turn();
    }
    expect(await now()).toBe(before + 2_000);
  });

  it('places nothing on a drone that missed its renewals, and lists it as unreachable', async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    await scene_.turn();
    await scene_.store.send(['HINCRBY', keys.clock, 'now', String(DEADLINES.renewalsMissed + 1)]);
    await expect(scene_.spawn({ id: id(), spec: spec() })).rejects.toMatchObject({
      message: 'no drone has room: of 1, 0 are full and 1 have not renewed',
    });
    await a.renew();
    await expect(scene_.spawn({ id: id(), spec: spec() })).resolves.toBeDefined();
  });

  it("hands an agent's log lines on, and after the end the last ones on record", async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const one = id();
    await scene_.spawn({ id: one, spec: spec() });
    const lines = async (tailLines?: number) => {
      const told: unknown[] = [];
      for await (const { line } of scene_.scheduler.tailLogs({ id: one, follow: false, tailLines }))
        told.push(line?.lastOnly ? { last: line.text } : line?.text);
      return told;
    };
    expect(await lines()).toEqual([`log of ${one}`]);
    await a.renew({ id: one, state: BackendState.TERMINATED, revision: 3, lastLogs: ['so', 'long'] });
    expect(await lines()).toEqual([{ last: 'so' }, { last: 'long' }]);
    expect([await lines(1), await lines(0)]).toEqual([[{ last: 'long' }], []]);
  });
});
