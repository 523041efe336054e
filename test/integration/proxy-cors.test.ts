import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { connectionTokenId, newConnectionToken } from '@spawner/domain';
import { RouteState } from '@spawner/proto/internal/route';
import { Access, BackendState, EndReason } from '@spawner/proto/v1/backend';
import { eventually, freePort, quietNetworkFor, startRelay } from '@spawner/testkit';
import { type Browser, chromium, type Page } from 'playwright-core';
import { type ProxyWorld, startProxyWorld } from './proxy-fixture.ts';

const stack = new AsyncDisposableStack();
let world: ProxyWorld;
let browser: Browser;
let page: Page;
/** The proxy's port, as the browser sees it. */
let port: number;
/** The requests that backends got, and the bodies with them. */
const seen: string[] = [];

beforeAll(async () => {
  const { executablePath, hostAddress } = stack.use(await quietNetworkFor('/usr/bin/chromium'));
  world = stack.use(await startProxyWorld());
  ({ port } = stack.use(await startRelay(world.port, hostAddress)));
  const application = createServer((_, answer) => answer.end('the application'));
  await new Promise<void>((resolve) => application.listen(0, hostAddress, resolve));
  stack.defer(() => void application.close());
  browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', `--host-resolver-rules=MAP * ${hostAddress}`],
  });
  stack.defer(() => browser.close());
  page = await browser.newPage();
  await page.goto(`http://application.test:${(application.address() as { port: number }).port}/`);
});
afterAll(() => stack.disposeAsync());

interface Init {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** The answer that a script of the application's page can read; undefined if the browser withholds it. */
const readable = (host: string, init: Init = {}) =>
  page.evaluate(
    async ([url, options]) => {
      try {
        const answer = await fetch(url, options);
        const [state, retryAfter] = ['x-spawner-state', 'retry-after'].map((name) =>
          answer.headers.get(name),
        );
        return { status: answer.status, body: await answer.text(), state, retryAfter };
      } catch {
        return undefined;
      }
    },
    [`http://${host}:${port}/api`, init] as const,
  );

/** A program that answers pages of every origin, as an API does. */
async function startApi() {
  const server = createServer((request, answer) => {
    seen.push(`${request.method} ${request.headers.authorization ?? 'without a token'}`);
    answer.setHeader('Access-Control-Allow-Origin', '*').end('the answer');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stack.defer(() => void server.close());
  return (server.address() as { port: number }).port;
}

describe('a page of another origin', () => {
  it.each<[string, (made: { id: string }) => Promise<void>, object]>([
    ['unknown', async () => {}, { status: 404, state: null }],
    [
      'ended',
      ({ id }) => world.ended(id, BackendState.TERMINATED, EndReason.IDLE),
      { status: 410, state: 'TERMINATED', body: expect.stringContaining('IDLE') },
    ],
    [
      'starting',
      ({ id }) => world.route(id, { state: RouteState.PENDING, backendState: BackendState.STARTING }),
      { status: 503, state: 'STARTING', retryAfter: '1' },
    ],
  ])('can read that a backend is %s, simply and with a token', async (_, become, expected) => {
    const made = world.name();
    await become(made);
    const prefer = { prefer: 'wait=0' };
    const { status } = expected as { status: number };
    await eventually(async () => expect((await world.get(made.host, '/', prefer)).status).toBe(status));
    const headers = { ...prefer, authorization: `Bearer ${newConnectionToken(randomBytes)}` };
    expect(await readable(made.host, { headers })).toMatchObject(expected);
    expect(await readable(made.host, { method: 'POST', headers, body: '{}' })).toMatchObject(expected);
  });

  it('can read that the program does not answer', async () => {
    const { host } = await world.backend({ port: await freePort() });
    expect(await readable(host, { headers: { prefer: 'wait=0' } })).toMatchObject({ status: 502 });
  });

  it('brings its token to a private backend, which never sees a request without one', async () => {
    const made = world.name();
    const local = { host: '127.0.0.1', port: await startApi() };
    const open = { state: RouteState.OPEN, backendState: BackendState.READY };
    await world.route(made.id, { ...open, local, access: Access.TOKEN });
    await eventually(async () => expect((await world.get(made.host)).status).toBe(401));
    const token = newConnectionToken(randomBytes);
    const tokenId = connectionTokenId(token);
    const holder = { backendId: made.id, user: 'ada', claims: '', expireMs: Date.now() + 3_600_000 };
    await world.row({ kind: 'tokenGrant', tokenId, ...holder, epoch: 0 });
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const told = { method: 'POST', headers, body: '{}' };
    await eventually(async () =>
      expect(await readable(made.host, told)).toMatchObject({ status: 200, body: 'the answer' }),
    );
    // The edge takes the bearer token off, so the program sees the request alone.
    expect(new Set(seen)).toEqual(new Set(['POST without a token']));
    expect(await readable(made.host)).toMatchObject({ status: 401 });
  });
});
