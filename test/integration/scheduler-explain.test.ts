import { randomBytes } from 'node:crypto';
import { DEADLINES, newBackendId } from '@spawner/domain';
import { BackendFacts } from '@spawner/proto/internal/backend_status';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { ClockName } from '@spawner/proto/v1/explanation';
import { type Nats, type Redis, startNats, startRedis } from '@spawner/testkit';
import { keys, scene } from './scheduler-scene.ts';

const id = () => newBackendId(randomBytes);
const MOST_BYTES = 200;

describe('an explanation', () => {
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

  async function ready(
    explains?: NonNullable<Parameters<Awaited<ReturnType<typeof scene>>['drone']>[1]>['explains'],
  ) {
    const at = await scene(redis, nats);
    const a = await at.drone('a', { explains });
    await at.turn();
    const backend = id();
    const spec = { image: 'app', idleTimeoutMs: 60_000 };
    await at.spawn({ id: backend, spec });
    await a.renew({ id: backend, state: BackendState.READY, revision: 4 });
    const of = async (name = backend) => (await at.scheduler.explainBackend({ id: name })).explanation!;
    return { at, a, backend, spec, of };
  }

  it('has what the drone tells: use, clocks and refused ends', async () => {
    const refusal = { cause: 'no answer from p', time: new Date(0), times: 2 };
    const activity = { openConnections: 2, idleForMs: 0 };
    const clocks = [{ name: ClockName.IDLE, limitMs: 60_000, elapsedMs: 0 }];
    const told = {
      proxies: [{ proxyId: 'p', openConnections: 2, heardAgoMs: 30 }],
      lastActivity: { proxyId: 'p', ageMs: 30 },
      refusedEnds: [refusal],
    };
    const { at, backend, of } = await ready({ ...told, activity, clocks });
    await using _ = at;
    const said = await of();
    expect(said).toMatchObject({
      summary: 'READY and in use: 2 open connections.',
      missing: '',
      ...told,
    });
    expect(said.backend).toMatchObject({ id: backend, activity });
    expect(said.clocks.map(({ name }) => name)).toEqual([ClockName.IDLE, ClockName.LEASE]);
    expect(said.clocks[1]).toMatchObject({ limitMs: DEADLINES.droneForgotten });
  });

  it('has the steps of its start: those of the scheduler, and those that its drone has reported', async () => {
    const { at, a, backend, of } = await ready();
    await using _ = at;
    const steps = { pullMs: 7, queueMs: 0, startMs: 310, readyMs: 84, firstByteMs: 2 };
    await a.renew({ id: backend, state: BackendState.READY, revision: 5, steps });
    const said = await of();
    const { placeMs = -1, handOverMs = -1 } = said.backend?.steps ?? {};
    expect([placeMs >= 0, handOverMs >= 0]).toEqual([true, true]);
    expect(said.backend?.steps).toEqual({ ...steps, placeMs, handOverMs });
    expect(said.startSummary).toMatch(
      /^placed \d+ ms, handed over \d+ ms, pulled 7 ms, queued 0 ms, started 310 ms, ready 84 ms, first byte 2 ms$/,
    );
    await a.renew({ id: backend, state: BackendState.TERMINATED, revision: 6, steps });
    expect((await of()).backend?.steps).toMatchObject(steps);
  });

  it('does without a drone that does not answer, and says so', async () => {
    const { at, of } = await ready();
    await using _ = at;
    const said = await of();
    expect(said.summary).toBe('READY; its drone did not answer how it is used.');
    expect(said.missing).toBe('drone a could not be asked: its clocks and who uses it');
    expect(said.clocks.map(({ name }) => name)).toEqual([ClockName.LEASE]);
  });

  it('says since when a drone is silent', async () => {
    const { at, of } = await ready();
    await using _ = at;
    await at.pass(12_000);
    expect((await of()).summary).toMatch(
      /^Unreachable: its drone has not renewed for 1\d s\. Unless .* ends as DRONE_LOST in 10 min\.$/,
    );
  });

  it('says why it ended, from its record alone', async () => {
    const { at, a, backend, of } = await ready();
    await using _ = at;
    const endTime = new Date('2026-03-04T05:06:07.000Z');
    const state = BackendState.TERMINATED;
    await a.renew({ id: backend, state, revision: 6, endTime, endReason: EndReason.IDLE });
    expect(await of()).toMatchObject({
      summary: 'Ended as IDLE at 2026-03-04T05:06:07.000Z: it was unused for 60 s.',
      clocks: [],
      missing: '',
    });
  });

  it('has why the drone was chosen, in few bytes of the record', async () => {
    const { at, a, backend, spec, of } = await ready();
    await using _ = at;
    await at.drone('full', { capacity: { cpuMillis: 100 } });
    await at.drone('roomy', { capacity: { backends: 1_000 } });
    await at.turn();
    const [big, second] = [id(), id()];
    await at.spawn({ id: big, spec: { ...spec, resources: { cpuMillis: 200 } } });
    expect((await of(big)).placement).toMatchObject({
      droneId: 'roomy',
      candidates: { known: 3, considered: 2, stale: 0, full: 1, loadPermille: 0 },
      summary:
        'Drone roomy (0 % reserved) was the least loaded with room, of 3: 1 had no room, 1 had at least as much reserved.',
    });
    // The two others fall silent.
    await at.pass(DEADLINES.renewalsMissed + 1);
    await a.renew();
    await at.spawn({ id: second, spec });
    expect((await of(second)).placement).toMatchObject({ droneId: 'a', candidates: { known: 3, stale: 2 } });
    expect((await of(backend)).placement).toMatchObject({
      summary: 'Drone a (0 % reserved) was the only one.',
    });
    const facts = await at.store.send(['HGET', keys.backend(second), 'facts']);
    const { candidates } = BackendFacts.decode(facts as Buffer);
    expect(candidates.length).toBeGreaterThan(0);
    expect(candidates.length).toBeLessThanOrEqual(MOST_BYTES);
  });

  it('is found by the key, and NOT_FOUND for an unknown backend', async () => {
    const { at, of } = await ready();
    await using _ = at;
    const key = { namespace: '', name: 'room', tag: '' };
    const held = id();
    await at.spawn({ id: held, spec: { image: 'app' }, key });
    const { explanation } = await at.scheduler.explainBackend({ id: '', key });
    expect(explanation?.backend?.id).toBe(held);
    expect(explanation?.clocks).toMatchObject([{ name: ClockName.LEASE, limitMs: DEADLINES.leaseGiveAway }]);
    await expect(of(id())).rejects.toMatchObject({ code: 'not_found' });
  });
});
