import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { eventually, startUpstream } from '@spawner/testkit';
import { type Browser, chromium } from 'playwright-core';
import { type ProxyWorld, startProxyWorld } from './proxy-fixture.ts';

jest.setTimeout(60_000);

let world: ProxyWorld;
let browser: Browser;

beforeAll(async () => {
  world = await startProxyWorld();
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--host-resolver-rules=MAP * 127.0.0.1'],
  });
});
afterAll(async () => {
  await browser?.close();
  await world?.[Symbol.asyncDispose]();
});

describe('the waiting page in a browser', () => {
  it('follows the state and becomes the backend when that is ready, with path and query', async () => {
    await using upstream = await startUpstream({ hello: 'drawn by the backend' });
    const { id, host } = await world.startingBackend();
    const page = await browser.newPage();
    await page.goto(`http://${host}:${world.port}/name?a=b`);
    expect(await page.textContent('#state')).toBe('Its container is being started.');
    await world.route(id, { state: 1, backendState: BackendState.WAITING });
    await eventually(
      async () => (await page.textContent('#state')) === 'It has started and is getting ready.',
    );
    await world.ready(id, upstream.port);
    await eventually(async () => (await page.textContent('body')) === 'drawn by the backend');
    expect(upstream.seen).toContain('GET /name?a=b');
    await page.close();
  });

  it('tells that the session has ended when it never became ready', async () => {
    const { id, host } = await world.startingBackend();
    const page = await browser.newPage();
    await page.goto(`http://${host}:${world.port}/`);
    await world.ended(id, BackendState.TERMINATED, EndReason.STARTUP_TIMEOUT);
    await eventually(async () => (await page.textContent('h1'))?.includes('STARTUP_TIMEOUT') === true);
    await page.close();
  });
});
