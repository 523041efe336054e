import { randomBytes } from 'node:crypto';
import { newBackendId } from '@spawner/domain';
import { RouteState } from '@spawner/proto/internal/route';
import { BackendSpec, BackendState, EndReason } from '@spawner/proto/v1/backend';
import { decodeRow } from '@spawner/store';
import { type Nats, type Redis, startNats, startRedis } from '@spawner/testkit';
import { keys, scene } from './scheduler-scene.ts';

const { SCHEDULED, LOADING, STARTING, WAITING, READY, TERMINATING } = BackendState;
const { PENDING, OPEN, ENDED } = RouteState;
const spec = () => BackendSpec.fromPartial({ image: 'app' });
const id = () => newBackendId(randomBytes);

describe('a report of a backend', () => {
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

  it.each([
    ['a later state', { state: BackendState.TERMINATING, revision: 6 }, [BackendState.TERMINATING, 7]],
    ['news of the same state', { state: BackendState.READY, revision: 6 }, [BackendState.READY, 7]],
    ['no repeated report', { state: BackendState.READY, revision: 5 }, [BackendState.READY, 6]],
    ['no older report', { state: BackendState.READY, revision: 4 }, [BackendState.READY, 6]],
    ['no earlier state, however new', { state: BackendState.WAITING, revision: 9 }, [BackendState.READY, 6]],
  ])('moves a READY backend by %s', async (_, report, expected) => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const one = id();
    await scene_.spawn({ id: one, spec: spec() });
    await a.renew({ id: one, state: BackendState.READY, revision: 5, local: { host: '10.0.0.1', port: 80 } });
    await a.renew({ id: one, ...report });
    const { backend } = await scene_.scheduler.getBackend({ id: one });
    expect([backend?.state, backend?.revision]).toEqual(expected);
  });

  it('changes nothing after the end', async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const one = id();
    await scene_.spawn({ id: one, spec: spec() });
    await a.renew({ id: one, state: BackendState.TERMINATED, revision: 7, endReason: EndReason.EXITED });
    await a.renew({ id: one, state: BackendState.TERMINATED, revision: 9, endReason: EndReason.FAILED });
    const { backend } = await scene_.scheduler.getBackend({ id: one });
    expect([backend?.revision, backend?.endReason]).toEqual([8, EndReason.EXITED]);
  });

  it('tells the edge and callers the reason of an end that has begun', async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const one = id();
    await scene_.spawn({ id: one, spec: spec() });
    await a.renew({ id: one, state: READY, revision: 5, local: { host: '10.0.0.1', port: 80 } });
    await a.renew({ id: one, state: TERMINATING, revision: 6, endReason: EndReason.LIFETIME });
    const row = decodeRow(one, (await scene_.store.send(['HGET', keys.routes, one])) as Buffer);
    const ending = { backendState: TERMINATING, endReason: EndReason.LIFETIME };
    expect(row).toMatchObject({ kind: 'backend', state: ENDED, ...ending });
    const { backend } = await scene_.scheduler.getBackend({ id: one });
    expect(backend).toMatchObject({ state: TERMINATING, endReason: EndReason.LIFETIME });
  });

  it("keeps the pages of a backend's application in its route through every change", async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const one = id();
    const pages = { redirectUrl: 'https://app.test/over', startAgainUrl: '' };
    const route = async () => {
      const bytes = await scene_.store.send(['HGET', keys.routes, one]);
      const row = Buffer.isBuffer(bytes) ? decodeRow(one, bytes) : undefined;
      return row?.kind === 'backend' ? [row.state, row.pages] : undefined;
    };
    await scene_.spawn({ id: one, spec: BackendSpec.fromPartial({ image: 'app', pages }) });
    expect(await route()).toEqual([PENDING, pages]);
    await a.renew({ id: one, state: READY, revision: 5, local: { host: '10.0.0.1', port: 80 } });
    expect(await route()).toEqual([OPEN, pages]);
    await a.renew({ id: one, state: TERMINATING, revision: 6, endReason: EndReason.IDLE });
    expect(await route()).toEqual([ENDED, pages]);
  });

  it('tells the edge when the start begins, and of no other change before READY', async () => {
    await using scene_ = await scene(redis, nats);
    const a = await scene_.drone('a');
    const one = id();
    await scene_.spawn({ id: one, spec: spec() });
    const entries = async () => Number(await scene_.store.send(['HGET', keys.routeHead, 'n']));
    const first = await entries();
    const seen: unknown[] = [];
    for (const [index, state] of [LOADING, LOADING, STARTING, STARTING, WAITING, READY].entries()) {
      await a.renew({ id: one, state, revision: index + 2, local: { host: '10.0.0.1', port: 80 } });
      const row = decodeRow(one, (await scene_.store.send(['HGET', keys.routes, one])) as Buffer);
      seen.push(row?.kind === 'backend' && [row.state, row.backendState, (await entries()) - first]);
    }
    expect(seen).toEqual([
      [PENDING, SCHEDULED, 0],
      [PENDING, SCHEDULED, 0],
      [PENDING, STARTING, 1],
      [PENDING, STARTING, 1],
      [PENDING, STARTING, 1],
      [OPEN, READY, 2],
    ]);
  });
});
