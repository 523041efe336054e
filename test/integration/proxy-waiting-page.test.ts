import { SUBJECTS } from '@spawner/bus';
import { RouteState } from '@spawner/proto/internal/route';
import { Backend, BackendState, EndReason } from '@spawner/proto/v1/backend';
import { eventually, freePort, quietNetworkFor, request, startRelay, startUpstream } from '@spawner/testkit';
import { type Browser, chromium } from 'playwright-core';
import { DRONE, type ProxyWorld, startProxyWorld } from './proxy-fixture.ts';

const stack = new AsyncDisposableStack();
let world: ProxyWorld;
let browser: Browser;
/** The proxy's port, as the browser sees it. */
let port: number;

beforeAll(async () => {
  const { executablePath, hostAddress } = stack.use(await quietNetworkFor('/usr/bin/chromium'));
  world = stack.use(await startProxyWorld());
  ({ port } = stack.use(await startRelay(world.port, hostAddress)));
  browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', `--host-resolver-rules=MAP * ${hostAddress}`],
  });
  stack.defer(() => browser.close());
});
afterAll(() => stack.disposeAsync());

/** How many of them follow their backend's state. */
async function pagesOf({ adminPort }: ProxyWorld): Promise<number> {
  const { body } = await request({ port: adminPort, path: '/metrics' });
  return Number(/^spawner_proxy_waiting_pages\S* (\d+)/m.exec(body)?.[1]);
}

describe('the waiting page in a browser', () => {
  it('follows the state and becomes the backend when that is ready, with path and query', async () => {
    await using upstream = await startUpstream({ hello: 'drawn by the backend' });
    const { id, host } = await world.startingBackend();
    const page = await browser.newPage();
    await page.goto(`http://${host}:${port}/name?a=b`);
    expect(await page.textContent('#state')).toBe('Its program is being started.');
    const asked: string[] = [];
    page.on('request', (sent) => asked.push(`${sent.method()} ${new URL(sent.url()).pathname}`));
    await eventually(async () => expect(await pagesOf(world)).toBe(1));
    const backend = Backend.fromPartial({ id, state: BackendState.WAITING });
    await eventually(async () => {
      world.bus.publish(SUBJECTS.backendState, id, { backend });
      return (await page.textContent('#state')) === 'It has started and is getting ready.';
    });
    await world.ready(id, upstream.port);
    await eventually(async () => (await page.textContent('body')) === 'drawn by the backend');
    expect(upstream.seen).toContain('GET /name?a=b');
    // It followed the events, and did not poll.
    expect(asked.filter((each) => each.startsWith('HEAD'))).toEqual([]);
    expect(upstream.seen.filter((each) => each.includes('.spawner'))).toEqual([]);
    await page.close();
  });

  it.each([
    ['by events', false],
    ['by requests', true],
  ])('shows its place in the queue, and the start when that comes, %s', async (_, hasNoEvents) => {
    const { id, host } = world.name();
    const another = world.name().id;
    await world.route(id, { state: RouteState.PENDING, backendState: BackendState.LOADING });
    const page = await browser.newPage();
    if (hasNoEvents)
      await page.route('**/.spawner/events', (route) => route.fulfill({ status: 503, body: 'busy' }));
    await eventually(async () => expect((await world.get(host, '/', { prefer: 'wait=0' })).status).toBe(503));
    await page.goto(`http://${host}:${port}/`);
    const shows = (words: RegExp, ...waiting: string[]) =>
      eventually(async () => {
        const starts = waiting.map((each, at) => ({ id: each, expectedWaitMs: 4_000 * (at + 1) }));
        world.bus.publish(SUBJECTS.droneQueue, DRONE, {
          ...{ droneId: DRONE, cluster: 'local', waiting: starts },
          pulling: [],
        });
        expect(await page.textContent('#state')).toMatch(words);
      });
    await shows(/^Number 2 in the queue\./, another, id);
    await shows(
      hasNoEvents ? /^Number 1 in the queue\.$/ : /^Number 1 in the queue\. About 4 s are left\.$/,
      id,
    );
    await shows(/^Its program is being loaded\.$/);
    await world.starting(id);
    await shows(/^Its program is being started\.$/, id);
    await page.close();
  });

  it('tells that a session that never became ready is ending, then that it has ended, and why', async () => {
    const { id, host } = await world.startingBackend();
    const page = await browser.newPage();
    await page.goto(`http://${host}:${port}/`);
    const shows = (heading: string) =>
      eventually(async () => {
        expect(await page.textContent('h1')).toBe(heading);
        expect(await page.title()).toBe(heading);
        expect(await page.textContent('p')).toBe('Its program was not ready in time.');
      });
    await world.ended(id, BackendState.TERMINATING, EndReason.STARTUP_TIMEOUT);
    await shows('Your session is ending');
    await world.ended(id, BackendState.TERMINATED, EndReason.STARTUP_TIMEOUT);
    await shows('Your session has ended');
    await page.close();
  });

  it('comes back by itself when a program that had closed its port listens again', async () => {
    const { id, host } = world.name();
    const upstreamPort = await freePort();
    await world.ready(id, upstreamPort);
    await eventually(async () => expect((await world.get(host, '/', { prefer: 'wait=0' })).status).toBe(502));
    const page = await browser.newPage();
    expect((await page.goto(`http://${host}:${port}/name`))?.status()).toBe(502);
    expect(await page.textContent('h1')).toBe("Your session's program is restarting");
    await using _program = await startUpstream({ port: upstreamPort, hello: 'drawn by the backend' });
    await eventually(async () => (await page.textContent('body')) === 'drawn by the backend');
    await page.close();
  });

  it('asks for itself where there is no room for its events, and becomes the backend all the same', async () => {
    await using upstream = await startUpstream({ hello: 'drawn by the backend' });
    const { id, host } = await world.startingBackend();
    const page = await browser.newPage();
    await page.route('**/.spawner/events', (route) => route.fulfill({ status: 503, body: 'busy' }));
    const asked: string[] = [];
    page.on('request', (sent) => asked.push(sent.method()));
    await page.goto(`http://${host}:${port}/name`);
    await eventually(() => expect(asked).toContain('HEAD'));
    await world.ready(id, upstream.port);
    await eventually(async () => (await page.textContent('body')) === 'drawn by the backend');
    await page.close();
  });
});
