/** Keys over gRPC, over HTTP and through the SDK, before a scheduler that keeps them as the real one does. */
import { Spawner } from '@spawner/client';
import { AppError } from '@spawner/domain';
import { BackendKey, BackendState } from '@spawner/proto/v1/backend';
import { BackendServiceService, SpawnBackendRequest } from '@spawner/proto/v1/backend_service';
import { createClient, type RpcClient } from '@spawner/rpc';
import { HOLDER_UNKNOWN, NOT_REPLICATED, START_REFUSED } from './fake-scheduler.ts';
import { bodyOf, type HttpScene, startHttpScene } from './http-scene.ts';

const ODD = '{}*/?#&=+ %2F\n"🙂';
const spec = { image: 'test/manual' };

let scene: HttpScene;
let backends: RpcClient<typeof BackendServiceService>;
let spawner: Spawner;
beforeAll(async () => {
  scene = await startHttpScene();
  backends = createClient(BackendServiceService, `127.0.0.1:${scene.gateway.grpcPort}`);
  spawner = new Spawner({ url: scene.gateway.url });
});
afterAll(async () => {
  backends.close();
  await scene[Symbol.asyncDispose]();
});

const key = (name: string, part: Partial<BackendKey> = {}) => BackendKey.fromPartial({ name, ...part });
const spawn = (of: BackendKey, timeoutMs?: number) =>
  backends.spawnBackend(SpawnBackendRequest.fromPartial({ spec, key: of }), { timeoutMs });
const queryOf = ({ namespace, name }: BackendKey) =>
  new URLSearchParams({ keyName: name, ...(namespace ? { keyNamespace: namespace } : {}) });
const askedSince = (before: number) => scene.gateway.scheduler.asked.slice(before);

describe('a key over gRPC', () => {
  it('spawns once, then returns the holder, which is found and ended by it', async () => {
    const room = key(ODD, { namespace: ODD, tag: 'v1' });
    const first = await spawn(room);
    expect(first).toMatchObject({ spawned: true, backend: { key: room, fence: expect.any(Number) } });
    expect(await spawn(room)).toEqual({ ...first, spawned: false });
    const id = first.backend?.id ?? '';
    expect((await backends.getBackend({ id: '', key: room })).backend).toEqual(first.backend);
    const ended = await backends.terminateBackend({ id: '', key: room, force: true });
    expect(ended.backend).toMatchObject({ id, state: BackendState.TERMINATED });
    await expect(backends.getBackend({ id: '', key: room })).rejects.toMatchObject({ code: 'not_found' });
    const second = await spawn(room);
    expect(second.spawned).toBe(true);
    expect(second.backend?.fence).toBeGreaterThan(first.backend?.fence ?? 0);
  });
  it('names the tag of a holder that has another', async () => {
    await spawn(key('tagged', { tag: 'blue' }));
    await expect(spawn(key('tagged', { tag: 'red' }))).rejects.toMatchObject({
      code: 'failed_precondition',
      message: 'the key is held with the tag "blue"',
    });
  });
  it('is refused beside an id, without both, and with wrong texts, by the names of the fields', async () => {
    const before = scene.gateway.scheduler.asked.length;
    const fields = async (call: Promise<unknown>) =>
      call.then(
        () => [],
        (error: AppError) => [error.code, ...error.violations.map(({ field }) => field)],
      );
    const id = 'a'.repeat(26);
    expect(await fields(backends.getBackend({ id, key: key('k') }))).toEqual(['invalid', 'key']);
    expect(await fields(backends.getBackend({ id: '' }))).toEqual(['invalid', 'id']);
    expect(await fields(backends.terminateBackend({ id, key: key('k'), force: false }))).toEqual([
      'invalid',
      'key',
    ]);
    const long = 'x'.repeat(513);
    expect(await fields(spawn(key('', { namespace: long, tag: long })))).toEqual([
      ...['invalid', 'key.name', 'key.namespace', 'key.tag'],
    ]);
    const everything = { spec: { image: '' }, key: key('a\0'), reusePolicy: 9 as never };
    expect(await fields(backends.spawnBackend(SpawnBackendRequest.fromPartial(everything)))).toEqual([
      ...['invalid', 'spec.image', 'key.name', 'reuse_policy'],
    ]);
    expect(askedSince(before)).toEqual([]);
  });
  it('waits while the holder is ending, and gets the next one under the id that it asked with', async () => {
    const { backend } = await spawn(key('ending'));
    const before = scene.gateway.scheduler.asked.length;
    scene.gateway.scheduler.advance(backend?.id ?? '', BackendState.TERMINATING);
    const next = spawn(key('ending'));
    const stop = scene.gateway.scheduler.onAsked(() => {
      if (askedSince(before).length < 2) return;
      scene.gateway.scheduler.advance(backend?.id ?? '', BackendState.TERMINATED);
      stop.close();
    });
    expect(await next).toMatchObject({ spawned: true });
    const ids = askedSince(before).map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(1);
    expect(new Set(ids)).toEqual(new Set([(await next).backend?.id]));
  });
  it('is UNAVAILABLE, within the caller’s deadline, if the holder does not end', async () => {
    const { backend } = await spawn(key('stuck'));
    scene.gateway.scheduler.advance(backend?.id ?? '', BackendState.TERMINATING);
    await expect(spawn(key('stuck'), 700)).rejects.toMatchObject({
      code: 'unavailable',
      message: 'the holder of the key is still ending',
    });
  });
  it('waits with the same id while the holder may be unknown, and takes a new id after too few replicas had the key', async () => {
    const before = scene.gateway.scheduler.asked.length;
    for (const failure of [HOLDER_UNKNOWN, NOT_REPLICATED]) scene.gateway.scheduler.failNext(failure);
    const { backend, spawned } = await spawn(key('anew'));
    expect(spawned).toBe(true);
    const ids = askedSince(before).map(({ id }) => id);
    expect(ids).toEqual([ids[0], ids[0], backend?.id]);
    expect(ids[0]).not.toBe(backend?.id);
  });
  it('keeps key and policy when a new id is tried after a drone refused the start', async () => {
    const before = scene.gateway.scheduler.asked.length;
    scene.gateway.scheduler.failNext(START_REFUSED);
    scene.gateway.scheduler.failNext(new AppError('unavailable', 'Redis is away'));
    const { backend, spawned } = await spawn(key('again'));
    expect(spawned).toBe(true);
    const asked = askedSince(before);
    expect(asked.map((each) => each.key?.name)).toEqual(['again', 'again', 'again']);
    expect(asked.map(({ id }) => id === backend?.id)).toEqual([false, true, true]);
  });
});

describe('a key over HTTP', () => {
  it('is 201 for a new backend and 200 for its holder, which is listed and ended by it', async () => {
    const room = key(`http ${ODD}`, { namespace: 'rooms' });
    const first = await scene.post({ spec, key: { name: room.name, namespace: 'rooms' } });
    const again = await scene.post({ spec, key: { name: room.name, namespace: 'rooms' } });
    expect([first.status, again.status]).toEqual([201, 200]);
    const { backend } = bodyOf(first);
    expect(bodyOf(first)).toMatchObject({ spawned: true, backend: { fence: expect.any(Number) } });
    expect(backend.key).toEqual({ namespace: 'rooms', name: room.name });
    expect(bodyOf(again)).toEqual({ backend, spawned: false });
    expect(bodyOf(await scene.get(`/v1/backends?${queryOf(room)}`))).toEqual({ backends: [backend] });
    const other = queryOf({ ...room, namespace: '' });
    expect(bodyOf(await scene.get(`/v1/backends?${other}`))).toEqual({ backends: [] });
    const path = `/v1/backends?${queryOf(room)}&force=true`;
    expect(bodyOf(await scene.ask({ method: 'DELETE', path })).backend).toMatchObject({
      id: backend.id,
      state: 'TERMINATED',
    });
    expect((await scene.ask({ method: 'DELETE', path })).status).toBe(404);
  });
  it('shows neither key nor fence of a backend without one', async () => {
    const { backend } = bodyOf(await scene.post({ spec }));
    expect([backend.key, backend.fence]).toEqual([undefined, undefined]);
  });
  it('answers 409 for another tag, until the holder has ended', async () => {
    const { backend } = bodyOf(await scene.post({ spec, key: { name: 'h', tag: 'a' } }));
    const refused = await scene.post({ spec, key: { name: 'h', tag: 'b' } });
    expect([refused.status, bodyOf(refused).code]).toEqual([409, 'FAILED_PRECONDITION']);
    scene.gateway.scheduler.advance(backend.id, BackendState.TERMINATED);
    expect((await scene.post({ spec, key: { name: 'h', tag: 'b' } })).status).toBe(201);
  });
  it.each([
    ['{"spec":{"image":"a"},"key":{}}', ['key.name']],
    ['{"spec":{"image":"a"},"key":{"name":"a\\u0000"}}', ['key.name']],
    ['{"spec":{"image":"a"},"key":{"name":"\\ud800"}}', ['key.name']],
    ['{"spec":{"image":"a"},"key":{"name":7,"room":1}}', ['key.name', 'key.room']],
    ['{"spec":{"image":"a"},"key":"room"}', ['key']],
    ['{"spec":{"image":"a"},"reusePolicy":"SOMETIMES"}', ['reusePolicy']],
  ])('refuses %s', async (body, fields) => {
    const answer = await scene.post(body);
    expect(answer.status).toBe(400);
    expect(bodyOf(answer).details.map(({ field }: { field: string }) => field)).toEqual(fields);
  });
  it.each([
    ['GET', 'keyNamespace=a', ['keyName']],
    ['GET', 'keyName=', ['keyName']],
    ['GET', 'keyName=a%00', ['keyName']],
    ['GET', `keyName=a&keyNamespace=${'x'.repeat(513)}`, ['keyNamespace']],
    ['GET', 'keyName=a&state=READY', ['state']],
    ['GET', 'keyName=a&keyName=b', ['keyName']],
    ['DELETE', '', ['keyName']],
    ['DELETE', 'force=true', ['keyName']],
    ['DELETE', 'keyName=a&force=1&droneId=x', ['force', 'droneId']],
  ])('refuses %s with %s', async (method, query, fields) => {
    const answer = await scene.ask({ method, path: `/v1/backends?${query}` });
    expect(answer.status).toBe(400);
    expect(bodyOf(answer).details.map(({ field }: { field: string }) => field)).toEqual(fields);
  });
  it('is described', async () => {
    const { paths, components } = bodyOf(await scene.get('/openapi.json'));
    expect(Object.keys(paths['/v1/backends'].post.responses)).toEqual(['200', '201', 'default']);
    expect(paths['/v1/backends'].delete.operationId).toBe('terminateBackendByKey');
    expect(components.schemas.SpawnBackendRequest.properties.reusePolicy.enum).toEqual([
      'REUSE',
      'REQUIRE_SAME_SPEC',
    ]);
    expect(components.schemas.Backend.properties).toMatchObject({
      key: expect.anything(),
      fence: expect.anything(),
    });
  });
});

describe('a key in the SDK', () => {
  it('is a text or an object, and says who spawned', async () => {
    const first = await spawner.spawn(spec, { key: ODD, reusePolicy: 'REQUIRE_SAME_SPEC' });
    expect(first).toMatchObject({ spawned: true, key: { name: ODD } });
    const { spawned, ...record } = await spawner.spawn(spec, { key: { name: ODD, namespace: '' } });
    expect(spawned).toBe(false);
    expect(await spawner.holder(ODD)).toEqual(record);
    expect(await spawner.holder({ name: ODD, namespace: 'other' })).toBeUndefined();
    expect(await spawner.terminateHolder(ODD, { force: true })).toMatchObject({ id: first.id });
    await expect(spawner.terminateHolder(ODD)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await spawner.spawn(spec)).spawned).toBe(true);
  });
});
