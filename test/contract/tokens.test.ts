/** Connection tokens over gRPC, over HTTP and through the SDK, before a scheduler that keeps them as the real one does. */
import { Spawner } from '@spawner/client';
import { type AppError, connectionTokenId } from '@spawner/domain';
import { Access, BackendKey } from '@spawner/proto/v1/backend';
import {
  BackendServiceService,
  CreateConnectionTokenRequest,
  RevokeConnectionTokensRequest,
  SpawnBackendRequest,
} from '@spawner/proto/v1/backend_service';
import { createClient, type RpcClient } from '@spawner/rpc';
import { bodyOf, type HttpScene, NOBODY, startHttpScene } from './http-scene.ts';

const HOUR = 3_600_000;
const spec = { image: 'test/manual', access: Access.TOKEN };

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

const spawn = async (name?: string): Promise<string> => {
  const key = name === undefined ? undefined : BackendKey.fromPartial({ name });
  return (await backends.spawnBackend(SpawnBackendRequest.fromPartial({ spec, key }))).backend?.id ?? '';
};
const create = (asked: Parameters<typeof CreateConnectionTokenRequest.fromPartial>[0]) =>
  backends.createConnectionToken(CreateConnectionTokenRequest.fromPartial(asked));
const revoke = async (asked: Parameters<typeof RevokeConnectionTokensRequest.fromPartial>[0]) =>
  (await backends.revokeConnectionTokens(RevokeConnectionTokensRequest.fromPartial(asked))).count;
const known = (tokenId: string) => scene.gateway.scheduler.tokens.get(tokenId);
const fields = (call: Promise<unknown>) =>
  call.then(
    () => [],
    (error: AppError) => [error.code, ...error.violations.map(({ field }) => field)],
  );
const tokens = (id: string) => `/v1/backends/${id}/tokens`;
const post = (path: string, body: unknown) =>
  scene.ask({
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const remove = (path: string) => scene.ask({ method: 'DELETE', path });

describe('CreateConnectionToken', () => {
  it('tells a new token, its URL, id and end to the caller alone, and only the id to the scheduler', async () => {
    const id = await spawn();
    const before = Date.now();
    const claims = { role: 'owner', name: 'Ädä' };
    const { token, url, tokenId, expireTime } = await create({ id, user: 'ada', claims });
    expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(tokenId).toBe(connectionTokenId(token));
    expect(url).toBe(`http://${id}.spawner.localhost:8000/?spawner_token=${token}`);
    expect(expireTime?.getTime()).toBeGreaterThanOrEqual(before + HOUR);
    expect(expireTime?.getTime()).toBeLessThanOrEqual(Date.now() + HOUR);
    const told = known(tokenId);
    expect(told).toMatchObject({ id, user: 'ada', ttlMs: HOUR });
    expect(told?.claims).toBe('{"role":"owner","name":"\\u00c4d\\u00e4"}');
    expect(JSON.stringify(told)).not.toContain(token);
    expect((await create({ id })).token).not.toBe(token);
  });

  it('names the backend by its key as well', async () => {
    const id = await spawn('room');
    const { tokenId } = await create({ key: BackendKey.fromPartial({ name: 'room' }), ttlMs: 1_000 });
    expect(known(tokenId)).toMatchObject({ id, ttlMs: 1_000, user: '', claims: '' });
  });

  it('refuses what is wrong by the names of the fields, a public backend, and an unknown one', async () => {
    const id = await spawn();
    const large = { a: 'x'.repeat(4_096) };
    expect(await fields(create({ id, user: 'é', claims: large, ttlMs: 999 }))).toEqual([
      ...['invalid', 'user', 'claims', 'ttl_ms'],
    ]);
    expect(await fields(create({}))).toEqual(['invalid', 'id']);
    expect(await fields(create({ id, key: BackendKey.fromPartial({ name: 'a' }) }))).toEqual([
      'invalid',
      'key',
    ]);
    expect(await fields(create({ id: NOBODY }))).toEqual(['not_found']);
    const open = await backends.spawnBackend(
      SpawnBackendRequest.fromPartial({ spec: { image: 'test/manual' } }),
    );
    expect(open.backend?.access).toBe(Access.PUBLIC);
    expect(await fields(create({ id: open.backend?.id ?? '' }))).toEqual(['failed_precondition']);
    const strange = SpawnBackendRequest.fromPartial({ spec: { image: 'a', access: 9 as never } });
    expect(await fields(backends.spawnBackend(strange))).toEqual(['invalid', 'spec.access']);
  });
});

describe('RevokeConnectionTokens', () => {
  it('takes one back by its id or by itself, those of a user, and all of a backend', async () => {
    const id = await spawn('revoked');
    const made = [];
    for (const user of ['ada', 'ada', 'bob', '', 'eve']) made.push(await create({ id, user }));
    expect(await revoke({ tokenId: made[0]?.tokenId ?? '' })).toBe(1);
    expect(await revoke({ token: made[0]?.token ?? '' })).toBe(0);
    expect(await revoke({ token: made[1]?.token ?? '' })).toBe(1);
    expect(await revoke({ id, user: '' })).toBe(1);
    expect(await revoke({ key: BackendKey.fromPartial({ name: 'revoked' }), user: 'bob' })).toBe(1);
    expect(await revoke({ id: await spawn() })).toBe(0);
    expect(await revoke({ id })).toBe(1);
  });

  it('must select tokens in exactly one way, so that no more are revoked than intended', async () => {
    const id = await spawn();
    const [a, b] = ['a'.repeat(43), 'b'.repeat(43)];
    expect(await fields(revoke({}))).toEqual(['invalid', 'id']);
    expect(await fields(revoke({ user: 'ada' }))).toEqual(['invalid', 'id']);
    expect(await fields(revoke({ token: a, tokenId: b }))).toEqual(['invalid', 'token']);
    expect(await fields(revoke({ id, tokenId: b, user: 'ada' }))).toEqual(['invalid', 'user']);
    expect(await fields(revoke({ token: 'a', tokenId: '' }))).toEqual(['invalid', 'token']);
    expect(await fields(revoke({ id, tokenId: 'b c' }))).toEqual(['invalid', 'token_id']);
    expect(await fields(revoke({ id, user: 'é' }))).toEqual(['invalid', 'user']);
    expect(await fields(revoke({ id, key: BackendKey.fromPartial({ name: 'a' }) }))).toEqual([
      'invalid',
      'key',
    ]);
    expect(await fields(revoke({ id: NOBODY }))).toEqual(['not_found']);
  });
});

describe('tokens over HTTP', () => {
  it('are made with 201 and revoked with how many there were', async () => {
    const id = await spawn();
    const answer = await post(tokens(id), { user: 'ada', claims: { role: 'owner' }, ttlMs: 60_000 });
    expect(answer.status).toBe(201);
    expect(answer.headers['cache-control']).toBe('no-store');
    const { token, url, tokenId, expireTime } = bodyOf(answer);
    expect(url).toContain(`?spawner_token=${token}`);
    expect(Date.parse(expireTime)).toBeGreaterThan(Date.now());
    expect(known(tokenId)).toMatchObject({ id, user: 'ada', claims: '{"role":"owner"}', ttlMs: 60_000 });
    expect((await post(tokens(id), {})).status).toBe(201);
    const counts = [];
    for (const query of [`tokenId=${tokenId}`, 'user=ada', 'user=', ''])
      counts.push(bodyOf(await remove(`${tokens(id)}?${query}`)));
    expect(counts).toEqual([{ count: 1 }, { count: 0 }, { count: 1 }, { count: 0 }]);
  });

  it.each([
    ['{"user":7,"room":1}', ['user', 'room']],
    ['{"user":"\\u00e9","ttlMs":1}', ['user', 'ttlMs']],
    ['{"claims":{"a":1}}', ['claims.a']],
    ['{"claims":[]}', ['claims']],
    ['{"id":"a"}', ['id']],
    ['{"key":{"name":"a"}}', ['key']],
  ])('are refused for %s', async (body, wrong) => {
    const answer = await post(tokens(await spawn()), body);
    expect(answer.status).toBe(400);
    expect(bodyOf(answer).details.map(({ field }: { field: string }) => field)).toEqual(wrong);
  });

  it.each([
    ['user=a&tokenId=x', ['tokenId', 'user']],
    ['tokenId=x', ['tokenId']],
    ['tokenId=', ['tokenId']],
    ['token=x', ['token']],
    ['user=a&user=b', ['user']],
  ])('are not revoked by %s', async (query, wrong) => {
    const answer = await remove(`${tokens(await spawn())}?${query}`);
    expect(answer.status).toBe(400);
    expect(bodyOf(answer).details.map(({ field }: { field: string }) => field)).toEqual(wrong);
  });

  it('are of a backend that is there and asks for them', async () => {
    expect((await post(tokens(NOBODY), {})).status).toBe(404);
    expect((await remove(tokens(NOBODY))).status).toBe(404);
    const open = bodyOf(await scene.post({ spec: { image: 'test/manual' } })).backend;
    expect(open.access).toBe('PUBLIC');
    expect((await post(tokens(open.id), {})).status).toBe(409);
    const made = bodyOf(await scene.post({ spec: { image: 'test/manual', access: 'TOKEN' } })).backend;
    expect(made.access).toBe('TOKEN');
  });

  it('are described', async () => {
    const { paths, components } = bodyOf(await scene.get('/openapi.json'));
    const { post: made, delete: revoked } = paths['/v1/backends/{id}/tokens'];
    expect([made.operationId, revoked.operationId]).toEqual([
      'createConnectionToken',
      'revokeConnectionTokens',
    ]);
    expect(components.schemas.CreateConnectionTokenResponse.required).toEqual(
      expect.arrayContaining(['token', 'url', 'expireTime', 'tokenId']),
    );
    expect(components.schemas.BackendSpec.properties.access.enum).toEqual(['PUBLIC', 'TOKEN']);
  });
});

it('the SDK makes and revokes tokens', async () => {
  const { id, access } = await spawner.spawn({ image: 'test/manual', access: 'TOKEN' });
  expect(access).toBe('TOKEN');
  const { token, url, tokenId, expireTime } = await spawner.createToken(id, {
    user: 'ada',
    claims: { role: 'owner' },
    ttlMs: 5_000,
  });
  expect(url).toContain(token);
  expect(Date.parse(expireTime)).toBeLessThanOrEqual(Date.now() + 5_000);
  expect(known(tokenId)).toMatchObject({ id, user: 'ada', claims: '{"role":"owner"}', ttlMs: 5_000 });
  await spawner.createToken(id);
  await spawner.createToken(id, { user: 'ada' });
  expect(await spawner.revokeTokens(id, { tokenId })).toBe(1);
  expect(await spawner.revokeTokens(id, { user: 'ada' })).toBe(1);
  expect(await spawner.revokeTokens(id)).toBe(1);
  await expect(spawner.createToken(NOBODY)).rejects.toMatchObject({ code: 'NOT_FOUND', status: 404 });
});
