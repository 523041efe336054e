/** The page at `/` in a real browser, before a fake cluster. */
import { BackendState } from '@spawner/proto/v1/backend';
import { type Browser, chromium, type Page } from 'playwright-core';
import { startGateway, type TestGateway } from './gateway.ts';

const PATIENCE = { timeout: 60_000 };

describe('the page', () => {
  let gateway: TestGateway;
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];
  const opener = () => page.getByRole('link', { name: 'Open', exact: true });
  beforeAll(async () => {
    gateway = await startGateway();
    const args = ['--no-sandbox', '--host-resolver-rules=MAP *.spawner.localhost ~NOTFOUND'];
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args });
    page = await browser.newPage();
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto(gateway.url);
  });
  afterAll(async () => {
    await browser?.close();
    await gateway?.[Symbol.asyncDispose]();
  });

  it('says that there are no backends yet, and who the drones are', async () => {
    await page.getByText('No backends yet.').waitFor(PATIENCE);
    await page.getByText('drone-1 (docker)').waitFor(PATIENCE);
  });

  it('spawns the demo with one click, opens it in a tab of its own, and lists it', async () => {
    const [tab] = await Promise.all([
      page.context().waitForEvent('page', PATIENCE),
      page.getByRole('button', { name: 'Spawn the demo' }).click(),
    ]);
    await page.getByRole('row', { name: /spawner\/demo:latest/ }).waitFor(PATIENCE);
    const [record] = [...gateway.scheduler.records.values()];
    expect(record).toMatchObject({ image: 'spawner/demo:latest', idleTimeoutMs: 60_000 });
    expect(await opener().getAttribute('href')).toContain(record?.id);
    await tab.close();
  });

  it('shows the idle clock, who is connected, and the end with its reason', async () => {
    const id = [...gateway.scheduler.records.keys()][0] ?? '';
    const hear = (activity: { openConnections: number; idleForMs: number; idleRemainingMs?: number }) =>
      gateway.activity.take({ droneId: 'drone-1', cluster: 'test', backends: [{ id, activity }] });
    hear({ openConnections: 2, idleForMs: 0 });
    await page.getByText('in use · 2 connections').waitFor(PATIENCE);
    hear({ openConnections: 0, idleForMs: 1_000, idleRemainingMs: 59_000 });
    await page.getByText(/idle · ends in \d+ s/).waitFor(PATIENCE);
    gateway.scheduler.advance(id, BackendState.TERMINATING);
    await page.getByText('terminating').waitFor(PATIENCE);
    expect(await page.getByRole('button', { name: 'Terminate' }).isDisabled()).toBe(true);
    gateway.scheduler.advance(id, BackendState.TERMINATED, { endReason: 1 });
    await page.getByText(/IDLE/).waitFor(PATIENCE);
    expect(await opener().count()).toBe(0);
  });

  it('shows an error, a place in the queue, and terminates a backend', async () => {
    gateway.scheduler.failNext(new Error('hidden'));
    await page.getByRole('button', { name: 'Spawn the demo' }).click();
    await page.getByText(/internal error [0-9a-f-]{36}/).waitFor(PATIENCE);
    await fetch(`${gateway.url}/v1/backends`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ spec: { image: 'test/manual' } }),
    });
    const [id = ''] = [...gateway.scheduler.records.keys()].slice(-1);
    const waiting = [{ id: 'another' }, { id, expectedWaitMs: 60_000 }];
    gateway.queue.take({ droneId: 'drone-1', cluster: 'test', waiting });
    await page.getByText(/number 2 in the queue · about \d+ s/).waitFor(PATIENCE);
    await page
      .getByRole('row', { name: /test\/manual/ })
      .getByRole('button', { name: 'Terminate' })
      .click();
    await page.getByText('REQUESTED').waitFor(PATIENCE);
  });

  it('runs under its own policy without a complaint', () => {
    expect(problems.filter((problem) => !problem.includes('status of 500'))).toEqual([]);
  });
});
