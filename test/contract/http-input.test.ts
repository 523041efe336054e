import { rawHttp } from '@spawner/testkit';
import { NO_ROOM } from './fake-scheduler.ts';
import { ALLOWED_ORIGIN } from './gateway.ts';
import { bodyOf, type HttpScene, NOBODY, startHttpScene } from './http-scene.ts';

let scene: HttpScene;
const ask: HttpScene['ask'] = (options) => scene.ask(options);
const get: HttpScene['get'] = (path, headers) => scene.get(path, headers);
const post: HttpScene['post'] = (body, headers) => scene.post(body, headers);
const spawn: HttpScene['spawn'] = (image, more) => scene.spawn(image, more);
beforeAll(async () => {
  scene = await startHttpScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

describe('POST /v1/backends', () => {
  it('answers 201 with the backend and its URL', async () => {
    const answer = await post({ spec: { image: 'test/web', labels: { room: '7' }, idleTimeoutMs: 10_000 } });
    expect(answer.status).toBe(201);
    const body = bodyOf(answer);
    expect(body).toEqual({
      spawned: true,
      backend: {
        id: expect.stringMatching(/^[a-z2-7]{26}$/),
        access: 'PUBLIC',
        state: 'SCHEDULED',
        revision: 1,
        url: `http://${body.backend.id}.spawner.localhost:8000/`,
        droneId: 'drone-1',
        image: 'test/web',
        labels: { room: '7' },
        idleTimeoutMs: 10_000,
        createTime: expect.stringMatching(/^\d{4}-.*Z$/),
        events: [{ state: 'SCHEDULED', revision: 1, time: expect.any(String) }],
      },
    });
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' });
  });

  it('gives the scheduler a spec with every default', async () => {
    const id = await spawn();
    expect(scene.gateway.scheduler.asked.find((asked) => asked.id === id)?.spec).toMatchObject({
      port: 8080,
      pullPolicy: 2,
      stopSignal: '',
      stopGraceMs: 10_000,
      pullTimeoutMs: 600_000,
      startupTimeoutMs: 60_000,
      idleTimeoutMs: 300_000,
      lifetimeLimitMs: 0,
    });
  });

  it('gives the scheduler the pages of a spec', async () => {
    const pages = { redirectUrl: 'https://app.test/over', startAgainUrl: 'https://app.test/new' };
    const id = await spawn('test/web', { pages });
    expect(scene.gateway.scheduler.asked.find((asked) => asked.id === id)?.spec?.pages).toEqual(pages);
  });

  const wrong = (spec: object, field: string) => [spec, field] as const;
  it.each([
    wrong({ image: '' }, 'spec.image'),
    wrong({}, 'spec.image'),
    wrong({ image: 'A b' }, 'spec.image'),
    wrong({ image: 'a:b:c' }, 'spec.image'),
    wrong({ image: 'a', env: { 'A=B': 'x' } }, 'spec.env.A=B'),
    wrong({ image: 'a', env: { 'A\0': 'x' } }, 'spec.env.A\\u0000'),
    wrong({ image: 'a', env: { A: 'x\0' } }, 'spec.env.A'),
    wrong({ image: 'a', port: 0 }, 'spec.port'),
    wrong({ image: 'a', port: 70_000 }, 'spec.port'),
    wrong({ image: 'a', port: '80' }, 'spec.port'),
    wrong({ image: 'a', resources: { memoryBytes: -1 } }, 'spec.resources.memoryBytes'),
    wrong({ image: 'a', resources: { cpuMillis: 1e15 } }, 'spec.resources.cpuMillis'),
    wrong({ image: 'a', idleTimeoutMs: -1 }, 'spec.idleTimeoutMs'),
    wrong({ image: 'a', lifetimeLimitMs: 1e18 }, 'spec.lifetimeLimitMs'),
    wrong({ image: 'a', stopGraceMs: 1.5 }, 'spec.stopGraceMs'),
    wrong({ image: 'a', portt: 80 }, 'spec.portt'),
    wrong({ image: 'a', pullPolicy: 'OFTEN' }, 'spec.pullPolicy'),
    wrong({ image: 'a', pages: { redirectUrl: 'javascript:alert(1)' } }, 'spec.pages.redirectUrl'),
    wrong({ image: 'a', pages: { startAgainUrl: '/new' } }, 'spec.pages.startAgainUrl'),
    wrong({ image: 'a', stopSignal: 'SIGSEGV' }, 'spec.stopSignal'),
  ])('refuses %j and names %s', async (spec, field) => {
    const before = scene.gateway.scheduler.asked.length;
    const answer = await post({ spec });
    expect(answer.status).toBe(400);
    expect(bodyOf(answer)).toEqual({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(field),
      details: [{ field, message: expect.any(String) }],
    });
    expect(scene.gateway.scheduler.asked).toHaveLength(before);
  });

  it('names every wrong field at once', async () => {
    const { details } = bodyOf(await post({ spec: { image: '', port: 0, stopGraceMs: -1 } }));
    expect(details.map(({ field }: { field: string }) => field)).toEqual([
      'spec.image',
      'spec.port',
      'spec.stopGraceMs',
    ]);
  });

  it.each(['[]', '"text"', '7', 'null', 'true'])('refuses %s, which is not an object', async (body) => {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(bodyOf(answer).message).toContain('must be an object');
  });

  it.each([
    ['', 'the body is empty'],
    ['{"spec":', 'end of JSON input'],
    ['{\n "spec": {,}}', 'line 2 column 11'],
  ])('refuses %j and names where it stops being JSON', async (body, told) => {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(bodyOf(answer).message).toContain(told);
  });

  it('refuses a body that is not UTF-8', async () => {
    const answer = await ask({
      path: '/v1/backends',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: Uint8Array.from([0x22, 0xff, 0x22]),
    });
    expect(answer.status).toBe(400);
    expect(bodyOf(answer).message).toContain('not UTF-8');
  });

  it('answers 413 to a body of 10 MiB and closes the connection', async () => {
    const answer = await post('x'.repeat(10 * 1024 * 1024));
    expect(answer.status).toBe(413);
    expect(answer.headers.connection).toBe('close');
    expect(bodyOf(answer)).toEqual({
      code: 'RESOURCE_EXHAUSTED',
      message: 'the body is larger than 1048576 bytes',
      details: [],
    });
  });

  it('answers 413 before the body has come, and when its length was not told', async () => {
    const head = 'POST /v1/backends HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
    const told = (received: string) => received.includes('1048576 bytes');
    const announced = await rawHttp(scene.gateway.httpPort, `${head}Content-Length: 10485760\r\n\r\n`, {
      until: told,
    });
    expect(announced).toMatch(/^HTTP\/1\.1 413 /);
    const expecting = `${head}Content-Length: 10485760\r\nExpect: 100-continue\r\n\r\n`;
    expect(await rawHttp(scene.gateway.httpPort, expecting, { until: told })).toMatch(/^HTTP\/1\.1 413 /);
    const chunk = `${(0x10000).toString(16)}\r\n${'x'.repeat(0x10000)}\r\n`;
    const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(20)}`;
    expect(await rawHttp(scene.gateway.httpPort, chunked, { until: told })).toMatch(/^HTTP\/1\.1 413 /);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', ''])(
    'answers 415 to the content type %j',
    async (type) => {
      const answer = await post({ spec: { image: 'a' } }, { 'content-type': type });
      expect(answer.status).toBe(415);
      expect(bodyOf(answer)).toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: 'the content type must be application/json',
      });
    },
  );

  it('takes a content type with parameters', async () => {
    const answer = await post(
      { spec: { image: 'a' } },
      { 'content-type': 'Application/JSON; charset=utf-8' },
    );
    expect(answer.status).toBe(201);
  });

  it('tells that no drone has room', async () => {
    scene.gateway.scheduler.failNext(NO_ROOM);
    const answer = await post({ spec: { image: 'test/web' } });
    expect(answer.status).toBe(429);
    expect(bodyOf(answer)).toEqual({
      code: 'RESOURCE_EXHAUSTED',
      message: 'no drone has room',
      details: [],
    });
  });

  it('tells an unexpected error by an id alone', async () => {
    scene.gateway.scheduler.failNext(new Error('the password is x'));
    const answer = await post({ spec: { image: 'test/web' } });
    expect(answer.status).toBe(500);
    expect(bodyOf(answer)).toMatchObject({
      code: 'INTERNAL',
      message: expect.stringMatching(/^internal error [0-9a-f-]{36}$/),
    });
  });
});

describe('pages of other origins', () => {
  it.each([['https://evil.example'], ['null'], ['http://127.0.0.1:1'], ['http://x.spawner.localhost:8000']])(
    'are refused: %s',
    async (origin) => {
      for (const answer of [
        await post({ spec: { image: 'a' } }, { origin }),
        await get('/v1/backends', { origin }),
        await ask({ path: `/v1/backends/${NOBODY}`, method: 'DELETE', headers: { origin } }),
      ]) {
        expect(answer.status).toBe(403);
        expect(bodyOf(answer).code).toBe('PERMISSION_DENIED');
        expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      }
    },
  );
  it('are refused where the browser tells it in another way', async () => {
    expect(
      (await get('/v1/backends', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).status,
    ).toBe(403);
    expect((await get('/v1/backends', { 'sec-fetch-site': 'same-origin' })).status).toBe(200);
  });
  it('that are listed may call, and the headers say so', async () => {
    const answer = await post({ spec: { image: 'a' } }, { origin: ALLOWED_ORIGIN });
    expect(answer.status).toBe(201);
    expect(answer.headers).toMatchObject({ 'access-control-allow-origin': ALLOWED_ORIGIN, vary: 'origin' });
    const preflight = await ask({
      path: '/v1/backends',
      method: 'OPTIONS',
      headers: { origin: ALLOWED_ORIGIN },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers['access-control-allow-methods']).toContain('POST');
  });
  it('does not take its own page for another', async () => {
    const own = `http://127.0.0.1:${scene.gateway.httpPort}`;
    expect(
      (await post({ spec: { image: 'a' } }, { origin: own, 'sec-fetch-site': 'same-origin' })).status,
    ).toBe(201);
  });
  it('refuses a page that calls itself ours by a name of its own', async () => {
    const host = `rebound.example:${scene.gateway.httpPort}`;
    expect((await post({ spec: { image: 'a' } }, { host, origin: `http://${host}` })).status).toBe(403);
  });
});
