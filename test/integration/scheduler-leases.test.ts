import { randomBytes } from 'node:crypto';
import { DEADLINES, newBackendId } from '@spawner/domain';
import { RenewVerdict } from '@spawner/proto/internal/scheduler_service';
import { type Backend, BackendState, EndReason, OnLeaseLoss } from '@spawner/proto/v1/backend';
import { DroneState } from '@spawner/proto/v1/fleet_service';
import { type Nats, type Redis, startNats, startRedis } from '@spawner/testkit';
import { scene } from './scheduler-scene.ts';

const id = () => newBackendId(randomBytes);
const room = { namespace: '', name: 'room', tag: '' };

describe('the leases of drones', () => {
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

  /** A drone with three READY backends: strictly keyed, with `on_lease_loss` CONTINUE, and without a key. */
  async function lost() {
    const at = await scene(redis, nats);
    const a = await at.drone('a');
    await at.turn();
    const [strict, loose, plain] = [id(), id(), id()];
    await at.spawn({ id: strict, spec: { image: 'app' }, key: room });
    await at.spawn({
      id: loose,
      spec: { image: 'app', onLeaseLoss: OnLeaseLoss.CONTINUE },
      key: { ...room, name: 'loose' },
    });
    await at.spawn({ id: plain, spec: { image: 'app' } });
    await a.renew(
      ...[strict, loose, plain].map((each) => ({ id: each, state: BackendState.READY, revision: 4 })),
    );
    const of = async (each: string): Promise<Backend> =>
      (await at.scheduler.getBackend({ id: each })).backend!;
    return { at, a, strict, loose, plain, of };
  }

  it('calls nothing unreachable, and gives up no drone, because it did not take a backend', async () => {
    await using at = await scene(redis, nats);
    const [used, lost] = [id(), id()];
    const a = await at.drone('a', {
      takes: async (request) => {
        if (request.id === lost) throw new Error('no');
      },
    });
    await at.spawn({ id: used, spec: { image: 'app' } });
    await a.renew({ id: used, state: BackendState.READY, revision: 4 });
    await expect(at.spawn({ id: lost, spec: { image: 'app' } })).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect((await at.scheduler.getBackend({ id: used })).backend?.unreachable).toBe(false);
    const [drone] = (await at.scheduler.listDrones({})).drones;
    expect([drone?.state, drone?.heartbeatAgeMs]).toEqual([DroneState.READY, 0]);
    await expect(at.scheduler.forgetDrone({ id: 'a' })).rejects.toMatchObject({
      code: 'failed_precondition',
    });
    await at.turn();
    await a.renew();
    await at.pass(1_000);
    await a.renew();
    expect((await at.spawn({ id: id(), spec: { image: 'app' } })).spawned).toBe(true);
  });

  it('lets nothing change while a drone renews', async () => {
    const { at, a, strict, of } = await lost();
    await using _ = at;
    for (let minutes = 0; minutes < 3; minutes++) {
      // Each sweep also advances the cluster clock itself, by at most 2 s.
      await at.pass(DEADLINES.leaseGiveAway - 3_000);
      await a.renew();
    }
    expect(await of(strict)).toMatchObject({ state: BackendState.READY, unreachable: false });
  });

  it('calls the backends of a silent drone unreachable, not lost, and keeps their keys, until the lease is over', async () => {
    const { at, strict, plain, of } = await lost();
    await using _ = at;
    await at.pass(DEADLINES.renewalsMissed + 1);
    expect(await of(plain)).toMatchObject({ state: BackendState.READY, unreachable: true });
    const again = await at.spawn({ id: id(), spec: { image: 'app' }, key: room });
    expect([again.spawned, again.backend?.id]).toEqual([false, strict]);
  });

  it('gives the keys of strict holders away when the lease is over, and no others: the next holder has a higher fence', async () => {
    const { at, a, strict, loose, plain, of } = await lost();
    await using _ = at;
    await at.pass(DEADLINES.leaseGiveAway - 3_000);
    expect((await of(strict)).state).toBe(BackendState.READY);
    await at.pass(3_001);
    expect(await of(strict)).toMatchObject({
      state: BackendState.TERMINATED,
      endReason: EndReason.LEASE_LOST,
    });
    for (const each of [loose, plain])
      expect(await of(each)).toMatchObject({ state: BackendState.READY, unreachable: true });
    await at.drone('b');
    const next = await at.spawn({ id: id(), spec: { image: 'app' }, key: room });
    expect([next.spawned, next.backend?.droneId]).toEqual([true, 'b']);
    expect(next.backend?.fence).toBeGreaterThan((await of(strict)).fence);
    const answer = await a.renew();
    expect(answer.verdict).toBe(RenewVerdict.GRANTED);
    expect(answer.stops.map((order) => [order.id, order.force])).toEqual([[strict, true]]);
    expect(await of(plain)).toMatchObject({ state: BackendState.READY, unreachable: false });
  });

  it('gives a drone up after ten minutes: what it had is lost, and it must register again', async () => {
    const { at, a, loose, plain, of } = await lost();
    await using _ = at;
    await at.pass(DEADLINES.leaseGiveAway + 1);
    await at.pass(DEADLINES.droneForgotten - DEADLINES.leaseGiveAway + 1_000);
    for (const each of [loose, plain])
      expect(await of(each)).toMatchObject({
        state: BackendState.TERMINATED,
        endReason: EndReason.DRONE_LOST,
      });
    expect((await at.scheduler.listDrones({})).drones).toEqual([]);
    expect((await a.renew()).verdict).toBe(RenewVerdict.REGISTER);
    await at.pass(DEADLINES.retention + 1);
    expect(String(await at.store.send(['KEYS', '*drone*']))).toBe('');
  });

  it('has nothing left to look at of a drone that came back', async () => {
    const { at, a, plain, of } = await lost();
    await using _ = at;
    await at.pass(DEADLINES.leaseGiveAway + 1);
    for (let ms = 0; ms <= DEADLINES.droneForgotten; ms += DEADLINES.leaseGiveAway - 3_000) {
      await a.renew();
      await at.pass(DEADLINES.leaseGiveAway - 3_000);
    }
    expect(await of(plain)).toMatchObject({ state: BackendState.READY });
    expect(await at.store.send(['ZSCORE', 'spawner:{test}:due', 'drone/a'])).toBeNull();
  });

  it('ends strict holders in time, however much else is due', async () => {
    const { at, strict, of } = await lost();
    await using _ = at;
    const others = Array.from({ length: 1_000 }, (_, n) => ['1', `token/t${n}/none`]);
    await at.store.send(['ZADD', 'spawner:{test}:due', ...others.flat()]);
    await at.pass(DEADLINES.leaseGiveAway + 1);
    expect(await of(strict)).toMatchObject({ state: BackendState.TERMINATED });
    expect(await at.store.send(['ZCOUNT', 'spawner:{test}:due', '1', '1'])).toBe(0);
  });

  it("gives a drone up at an operator's word, but not one that renews", async () => {
    const { at, a, strict, loose, plain, of } = await lost();
    await using _ = at;
    await expect(at.scheduler.forgetDrone({ id: 'a' })).rejects.toMatchObject({
      code: 'failed_precondition',
    });
    await expect(at.scheduler.forgetDrone({ id: 'nobody' })).rejects.toMatchObject({ code: 'not_found' });
    await at.pass(DEADLINES.renewalsMissed + 1);
    const { endedIds } = await at.scheduler.forgetDrone({ id: 'a' });
    expect(endedIds.sort()).toEqual([strict, loose, plain].sort());
    expect(await of(plain)).toMatchObject({
      state: BackendState.TERMINATED,
      endReason: EndReason.DRONE_LOST,
    });
    const status = { id: plain, state: BackendState.READY, revision: 4 };
    expect((await a.register({ status, placement: 1 })).stops.map((order) => order.id)).toContain(plain);
  });

  it('ends nothing when the drone renews in the last moment', async () => {
    const { at, a, strict, of } = await lost();
    await using _ = at;
    await at.store.send(['HINCRBY', 'spawner:{test}:clock', 'now', String(DEADLINES.leaseGiveAway + 1)]);
    await a.renew();
    await at.turn();
    expect((await of(strict)).state).toBe(BackendState.READY);
  });
});
