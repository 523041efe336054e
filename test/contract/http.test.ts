import { Spawner } from '@spawner/client';
import { BackendState } from '@spawner/proto/v1/backend';
import { bodyOf, type HttpScene, NOBODY, startHttpScene } from './http-scene.ts';

let scene: HttpScene;
const ask: HttpScene['ask'] = (options) => scene.ask(options);
const get: HttpScene['get'] = (path, headers) => scene.get(path, headers);
const spawn: HttpScene['spawn'] = (image, more) => scene.spawn(image, more);
beforeAll(async () => {
  scene = await startHttpScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

const eventsOf = (text: string) =>
  text
    .split('\n\n')
    .filter((block) => block.includes('data: '))
    .map((block) => ({
      id: Number(/^id: (\d+)$/m.exec(block)?.[1]),
      backend: JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? ''),
    }));
const untilEnd = async (id: string) => eventsOf((await get(`/v1/backends/${id}/events`)).body);

describe('GET /v1/backends/{id}', () => {
  it('answers the record', async () => {
    const id = await spawn('test/manual');
    const { backend } = bodyOf(await get(`/v1/backends/${id}`));
    expect(backend).toMatchObject({ id, state: 'SCHEDULED', url: expect.stringContaining(id) });
    expect(backend.activity).toBeUndefined();
  });
  it('has the activity that the drone told of', async () => {
    const id = await spawn('test/manual');
    const activity = { openConnections: 0, idleForMs: 2_000, idleRemainingMs: 8_000 };
    scene.gateway.activity.take({ droneId: 'drone-1', cluster: 'test', backends: [{ id, activity }] });
    const { backend } = bodyOf(await get(`/v1/backends/${id}`));
    expect(backend.activity.openConnections).toBe(0);
    expect(backend.activity.idleForMs).toBeGreaterThanOrEqual(2_000);
    expect(backend.activity.idleRemainingMs).toBeLessThanOrEqual(8_000);
  });
  it.each([NOBODY, 'nope', '..%2f', '%00'])('answers 404 to %s', async (id) => {
    const answer = await get(`/v1/backends/${id}`);
    expect(answer.status).toBe(404);
    expect(bodyOf(answer).code).toBe('NOT_FOUND');
  });
});

describe('GET /v1/backends/{id}/explain', () => {
  it('answers the summary, the clocks and the placement, with the record as it is shown', async () => {
    const id = await spawn('test/manual');
    const answer = await get(`/v1/backends/${id}/explain`);
    expect([answer.status, bodyOf(answer)]).toMatchObject([
      200,
      {
        backend: { id, state: 'SCHEDULED', url: expect.stringContaining(id) },
        summary: 'It is test/manual.',
        clocks: [{ name: 'IDLE', limitMs: 10_000, elapsedMs: 0, remainingMs: 10_000 }],
        placement: { droneId: 'drone-1', candidates: { known: 2, considered: 1, stale: 0, full: 0 } },
        missing: 'everything else',
      },
    ]);
  });
  it('has the activity that the drone told of last where the drone could not be asked', async () => {
    const id = await spawn('test/manual');
    const activity = { openConnections: 3, idleForMs: 0 };
    scene.gateway.activity.take({ droneId: 'drone-1', cluster: 'test', backends: [{ id, activity }] });
    const { backend } = bodyOf(await get(`/v1/backends/${id}/explain`));
    expect(backend.activity).toEqual(activity);
  });
  it.each([NOBODY, 'nope'])('answers 404 to %s', async (id) => {
    expect((await get(`/v1/backends/${id}/explain`)).status).toBe(404);
  });
  it('answers 400 to a parameter', async () => {
    expect((await get(`/v1/backends/${NOBODY}/explain?why=so`)).status).toBe(400);
  });
});

describe('GET /v1/backends', () => {
  it('filters by state, drone and labels, and goes from page to page', async () => {
    const set = `set-${process.pid}`;
    const ids = [];
    for (const n of ['1', '2', '3']) ids.unshift(await spawn('test/manual', { labels: { set, n } }));
    const query = `label=set=${set}&state=SCHEDULED&state=READY&droneId=drone-1`;
    const first = bodyOf(await get(`/v1/backends?${query}&pageSize=2`));
    const second = bodyOf(await get(`/v1/backends?${query}&pageSize=2&pageToken=${first.nextPageToken}`));
    const idOf = ({ id }: { id: string }) => id;
    expect([...first.backends.map(idOf), ...second.backends.map(idOf)]).toEqual(ids);
    expect(second.nextPageToken).toBeUndefined();
    expect(bodyOf(await get(`/v1/backends?${query}&label=n=2`)).backends.map(idOf)).toEqual([ids[1]]);
    expect(bodyOf(await get(`/v1/backends?label=set=${set}&state=TERMINATED`))).toEqual({ backends: [] });
  });
  it.each([
    ['pageSize=0', 'pageSize'],
    ['pageSize=1001', 'pageSize'],
    ['pageSize=x', 'pageSize'],
    ['pageSize=1&pageSize=2', 'pageSize'],
    ['state=SLEEPING', 'state'],
    ['label=x', 'label'],
    ['colour=red', 'colour'],
  ])('refuses %s', async (query, field) => {
    const answer = await get(`/v1/backends?${query}`);
    expect(answer.status).toBe(400);
    expect(bodyOf(answer).details).toEqual([{ field, message: expect.any(String) }]);
  });
  it('refuses a page token that it did not give', async () => {
    const answer = await get('/v1/backends?pageToken=zzz');
    expect(answer.status).toBe(400);
    expect(bodyOf(answer).details).toEqual([{ field: 'pageToken', message: expect.any(String) }]);
  });
});

describe('GET /v1/backends/{id}/events', () => {
  it('sends every state in order with its revision, and ends after TERMINATED', async () => {
    const id = await spawn('test/crash');
    const events = await untilEnd(id);
    expect(events.map(({ backend }) => backend.state)).toEqual([
      'SCHEDULED',
      'LOADING',
      'STARTING',
      'TERMINATED',
    ]);
    expect(events.map((event) => event.id)).toEqual([1, 2, 3, 4]);
    expect(events.slice(0, -1).every(({ backend }) => backend.endReason === undefined)).toBe(true);
    expect(events.at(-1)?.backend).toMatchObject({
      endReason: 'START_ERROR',
      exitCode: 3,
      lastLogs: ['out of memory'],
    });
  });
  it('sends the record again when its position in the queue changes', async () => {
    const id = await spawn('test/manual');
    const positions: number[] = [];
    const queueOf = (...ids: string[]) =>
      scene.gateway.queue.take({
        ...{ droneId: 'drone-1', cluster: 'test' },
        waiting: ids.map((each, at) => ({ id: each, expectedWaitMs: 4_000 + at })),
      });
    queueOf('other', id);
    expect(bodyOf(await get(`/v1/backends/${id}`)).backend).toMatchObject({ queuePosition: 2 });
    const spawner = new Spawner({ url: scene.gateway.url });
    for await (const backend of spawner.watch(id)) {
      expect(backend).toMatchObject({ state: 'SCHEDULED', revision: 1 });
      expect(backend.expectedWaitMs).toBeGreaterThan(0);
      positions.push(backend.queuePosition ?? 0);
      if (backend.queuePosition === 1) break;
      queueOf(id);
    }
    expect(positions).toEqual([2, 1]);
  });
  it('sends the record again when the pull of its image moves forward', async () => {
    const id = await spawn('test/manual');
    const pulls = (bytesDone: number) => {
      const pull = { layers: 3, layersDone: 1, bytes: 90, bytesDone, attempts: 1, lastError: '' };
      const waiting = { droneId: 'drone-1', cluster: 'test', waiting: [] };
      scene.gateway.queue.take({ ...waiting, pulling: [{ id, pull }] });
    };
    pulls(30);
    const seen: unknown[] = [];
    for await (const { pull } of new Spawner({ url: scene.gateway.url }).watch(id)) {
      seen.push(pull);
      if (pull?.bytesDone === 60) break;
      pulls(60);
    }
    const common = { layers: 3, layersDone: 1, bytes: 90, attempts: 1 };
    expect(seen).toEqual([
      { ...common, bytesDone: 30 },
      { ...common, bytesDone: 60 },
    ]);
    expect(bodyOf(await get(`/v1/backends/${id}`)).backend).toMatchObject({ pull: seen.at(-1) });
  });
  it('resumes after Last-Event-ID, and says 204 to who has seen the end', async () => {
    const id = await spawn('test/missing');
    await untilEnd(id);
    const resumed = await get(`/v1/backends/${id}/events`, { 'last-event-id': '2' });
    expect(resumed.headers['content-type']).toBe('text/event-stream');
    expect(eventsOf(resumed.body).map(({ backend }) => [backend.state, backend.endReason])).toEqual([
      ['TERMINATED', 'LOAD_ERROR'],
    ]);
    expect((await get(`/v1/backends/${id}/events`, { 'last-event-id': '3' })).status).toBe(204);
  });
  it('answers 404 before any event', async () => {
    expect((await get(`/v1/backends/${NOBODY}/events`)).status).toBe(404);
  });
});

describe('GET /v1/backends/{id}/logs', () => {
  it('answers lines of text', async () => {
    const id = await spawn('test/manual');
    const answer = await get(`/v1/backends/${id}/logs`);
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(answer.body).toBe('hello\nworld\n');
    expect(answer.headers['spawner-logs']).toBeUndefined();
    expect((await get(`/v1/backends/${id}/logs?tail=1`)).body).toBe('world\n');
  });
  it('says of an ended backend that they are the last lines alone', async () => {
    const id = await spawn('test/manual');
    scene.gateway.scheduler.advance(id, BackendState.TERMINATED);
    for (const accept of ['*/*', 'application/x-ndjson'])
      expect((await get(`/v1/backends/${id}/logs`, { accept })).headers['spawner-logs']).toBe('last-lines');
  });
  it('answers JSON lines to who asks for them, and follows to the end', async () => {
    const id = await spawn('test/manual');
    const following = get(`/v1/backends/${id}/logs?follow=true`, { accept: 'application/x-ndjson' });
    scene.gateway.scheduler.advance(id, BackendState.TERMINATED);
    const lines = (await following).body
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines[0]).toEqual({ stream: 'STDOUT', time: '1970-01-01T00:00:00.000Z', text: 'hello' });
    expect(lines.at(-1)).toMatchObject({ stream: 'STDERR', text: 'good bye' });
  });
  it('refuses what it does not understand', async () => {
    const id = await spawn('test/manual');
    expect((await get(`/v1/backends/${id}/logs?follow=yes&tail=-1`)).status).toBe(400);
    expect((await get(`/v1/backends/${NOBODY}/logs`)).status).toBe(404);
  });
});

describe('DELETE /v1/backends/{id}', () => {
  it('ends a backend, and one that has ended is success', async () => {
    const id = await spawn('test/manual');
    for (const path of [`/v1/backends/${id}`, `/v1/backends/${id}?force=true`]) {
      const answer = await ask({ path, method: 'DELETE' });
      expect(answer.status).toBe(200);
      expect(bodyOf(answer).backend).toMatchObject({ id, state: 'TERMINATED', endReason: 'REQUESTED' });
    }
  });
  it('answers 404 to an unknown one and 400 to a wrong flag', async () => {
    expect((await ask({ path: `/v1/backends/${NOBODY}`, method: 'DELETE' })).status).toBe(404);
    expect((await ask({ path: `/v1/backends/${NOBODY}?force=1`, method: 'DELETE' })).status).toBe(400);
  });
});

describe('everything else', () => {
  it('gives up a drone that does not renew, and no other', async () => {
    const remove = (id: string) => ask({ path: `/v1/drones/${id}`, method: 'DELETE' });
    const forget = async (id: string) => (await remove(id)).status;
    expect(bodyOf(await remove('drone-2'))).toEqual({ endedIds: [] });
    expect([
      await forget('drone-2'),
      await forget('drone-1'),
      await forget('drone-3'),
      await forget('No'),
    ]).toEqual([200, 409, 404, 404]);
  });

  it('lists the drones', async () => {
    expect(bodyOf(await get('/v1/drones'))).toEqual({
      drones: [{ id: 'drone-1', state: 'READY', runtime: 'docker', heartbeatAgeMs: 0 }],
    });
  });
  it('answers 404 to unknown paths and 405 with Allow to other methods', async () => {
    expect(bodyOf(await get('/v2/backends'))).toMatchObject({ code: 'NOT_FOUND' });
    const answer = await ask({ path: '/v1/backends', method: 'PUT' });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('POST, GET, DELETE');
  });
  it('describes itself, with references that lead somewhere', async () => {
    const text = (await get('/openapi.json')).body;
    const { openapi, paths, components } = JSON.parse(text);
    expect(openapi).toBe('3.1.0');
    expect(Object.keys(paths)).toEqual([
      '/v1/backends',
      '/v1/backends/{id}',
      '/v1/backends/{id}/explain',
      '/v1/backends/{id}/events',
      '/v1/backends/{id}/logs',
      '/v1/backends/{id}/tokens',
      '/v1/drones',
      '/v1/drones/{id}',
    ]);
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g))
      expect(components.schemas).toHaveProperty([name ?? '']);
    expect(components.schemas.Backend.properties.state.enum).toContain('READY');
  });
  it('describes the ids that it takes, and every status of success', async () => {
    const { paths } = bodyOf(await get('/openapi.json'));
    const takes = (path: string, id: string) =>
      Object.values<{ parameters: { name: string; schema: { pattern: string } }[] }>(paths[path]).map(
        ({ parameters }) =>
          new RegExp(parameters.find(({ name }) => name === 'id')?.schema.pattern ?? '-').test(id),
      );
    expect([...takes('/v1/drones/{id}', 'drone-2'), ...takes('/v1/drones/{id}', 'No')]).toEqual([
      true,
      false,
    ]);
    expect(takes('/v1/backends/{id}', NOBODY)).toEqual([true, true]);
    expect(paths['/v1/backends/{id}/events'].get.responses).toMatchObject({ 200: {}, 204: {} });
    expect(paths['/v1/backends/{id}/events'].get.responses[204].content).toBeUndefined();
  });
  it('serves its page under a policy that lets nothing else run', async () => {
    const answer = await get('/');
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.headers['content-security-policy']).toMatch(
      /default-src 'none'; style-src 'sha256-.*script-src 'sha256-/,
    );
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.body).toContain('data-image="spawner/demo:latest"');
    expect(answer.body).toContain('async function spawnDemo');
  });
  it('hands health and metrics on', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics']) expect((await get(path)).body).toBe('admin');
  });
  it('answers HEAD without a body', async () => {
    const answer = await ask({ path: '/v1/backends', method: 'HEAD' });
    expect([answer.status, answer.body]).toEqual([200, '']);
  });
});
