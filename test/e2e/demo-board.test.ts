/** The demo by itself, as two people see it: no cluster around it, real browsers in front of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually, freePort, PATIENCE } from '@spawner/testkit';
import { type Browser, chromium, type Page } from 'playwright-core';

const SERVER = join(__dirname, '../../deploy/images/demo/server.ts');
const CHROMIUM_ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const VIEW = { width: 1000, height: 700 };

/** The parts of the page that a function in it uses: the project's types know no browser. */
interface BoardWindow {
  innerWidth: number;
  innerHeight: number;
  devicePixelRatio: number;
  document: { querySelector(selector: string): { getContext(kind: '2d'): Context } };
}
interface Context {
  getImageData(x: number, y: number, width: number, height: number): { data: Uint8ClampedArray };
}

let server: ChildProcess;
let lines: string[];
let address: string;
let browser: Browser;

beforeAll(async () => {
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: CHROMIUM_ARGS });
});
afterAll(() => browser.close());

beforeEach(startServer);

/** On a port that no outgoing connection is given, so that one who comes again finds it free. */
async function startServer(): Promise<void> {
  await startServerOn(await freePort());
}

async function startServerOn(port: number): Promise<void> {
  lines = [];
  server = spawn(process.execPath, [SERVER], {
    env: { PORT: String(port), HOST: '127.0.0.1', SPAWNER_BACKEND_ID: 'k3jq7m2v' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = createInterface(server.stdout!);
  const started = once(output, 'line') as Promise<[string]>;
  output.on('line', (line) => lines.push(line));
  address = `http://k3jq7m2v.localhost:${/listening on (\d+)/.exec((await started)[0])![1]}/`;
}

afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  if (server.exitCode !== null) return;
  server.kill('SIGKILL');
  await once(server, 'exit');
});

async function visit(options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: VIEW, reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE.startMs);
  await load(page);
  return page;
}

/** Chromium aborts what it loads when a network device comes or goes, as other suites' do: such a page is loaded again. */
async function load(page: Page): Promise<void> {
  for (;;) {
    const disturbed = new Promise<'disturbed'>((resolve) => {
      page.on('requestfailed', (request) => {
        if (request.failure()?.errorText === 'net::ERR_NETWORK_CHANGED') resolve('disturbed');
      });
    });
    const shown = page
      .goto(address)
      .then(() => page.locator('#count', { hasText: /[1-9]/ }).waitFor())
      .catch((error: Error) => {
        if (!error.message.includes('ERR_NETWORK_CHANGED')) throw error;
        return 'disturbed';
      });
    if ((await Promise.race([disturbed, shown])) !== 'disturbed') return;
    shown.catch(() => {});
  }
}

/** Draws from one point to another, both counted from the middle of the board. */
async function draw(page: Page, from: [number, number], to: [number, number]): Promise<void> {
  const { width, height } = page.viewportSize()!;
  await page.mouse.move(width / 2 + from[0], height / 2 + from[1]);
  await page.mouse.down();
  await page.mouse.move(width / 2 + to[0], height / 2 + to[1], { steps: 8 });
  await page.mouse.up();
}

/** Waits until there is, or is no, finished paint at a point, counted from the middle of the window. */
async function paintedAt(page: Page, [x, y]: [number, number], painted = true): Promise<void> {
  await page.waitForFunction(
    ([dx, dy, wanted]) => {
      const { document, innerWidth, innerHeight, devicePixelRatio } = globalThis as unknown as BoardWindow;
      const left = Math.round((innerWidth / 2 + dx) * devicePixelRatio);
      const top = Math.round((innerHeight / 2 + dy) * devicePixelRatio);
      const pixel = document.querySelector('#dry').getContext('2d').getImageData(left, top, 1, 1).data;
      return pixel[3]! > 200 === wanted;
    },
    [x, y, painted] as const,
    { timeout: 30_000 },
  );
}

async function names(page: Page): Promise<string[]> {
  return page.locator('#names li').evaluateAll((items) => items.map((item) => item.firstChild!.textContent!));
}

describe('the drawing board', () => {
  it('shows each what the other draws, who is there, and where they point', async () => {
    const heron = await visit();
    const fox = await visit();
    await heron.getByText('2 here').waitFor();
    expect(await names(heron)).toEqual(['Blue Heron', 'Coral Fox']);
    expect(await names(fox)).toEqual(['Blue Heron', 'Coral Fox']);
    expect(await heron.locator('#hint').isVisible()).toBe(true);

    await draw(heron, [-100, 0], [100, 0]);
    await heron.locator('#hint').waitFor({ state: 'hidden' });
    await paintedAt(fox, [0, 0]);
    await fox.locator('.cursor', { hasText: 'Blue Heron' }).waitFor();
    await draw(fox, [0, -150], [0, -60]);
    await paintedAt(heron, [0, -100]);
    await heron.locator('.cursor', { hasText: 'Coral Fox' }).waitFor();

    await fox.close();
    await heron.getByText('1 here').waitFor();
    expect(await names(heron)).toEqual(['Blue Heron']);
    expect(await heron.locator('.cursor').count()).toBe(0);
    await eventually(() => expect(lines[3]).toMatch(/^Coral Fox left/));
    expect(lines.slice(1, 3)).toEqual(['Blue Heron joined, 1 here', 'Coral Fox joined, 2 here']);
  });

  it('shows a late comer with a small window everything', async () => {
    const heron = await visit();
    await draw(heron, [-400, 0], [400, 0]);
    const phone = await visit({ viewport: { width: 390, height: 700 }, hasTouch: true, isMobile: true });
    await paintedAt(phone, [-180, 0]);
    await paintedAt(phone, [180, 0]);
    await paintedAt(phone, [-193, 0], false);
    await paintedAt(phone, [193, 0], false);
    await phone.touchscreen.tap(195, 450);
    await paintedAt(heron, [0, 217]);
  });

  it('undoes one’s own last stroke and clears for everybody after a question', async () => {
    const heron = await visit();
    const fox = await visit();
    await draw(heron, [-100, 0], [100, 0]);
    await draw(fox, [-100, 100], [100, 100]);
    await paintedAt(fox, [0, 0]);
    await heron.keyboard.press('Control+z');
    await paintedAt(fox, [0, 0], false);
    await paintedAt(fox, [0, 100]);
    await heron.getByRole('button', { name: 'Clear the board' }).click();
    await heron.getByRole('button', { name: 'Keep it' }).click();
    await paintedAt(heron, [0, 100]);
    await heron.getByRole('button', { name: 'Clear the board' }).click();
    await heron.getByRole('button', { name: 'Clear it' }).click();
    await paintedAt(fox, [0, 100], false);
    await fox.getByText('Blue Heron cleared the board').waitFor();
  });

  it('comes back by itself when the line drops', async () => {
    const heron = await visit();
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
    await heron.getByText('Connecting again…').waitFor();
    await draw(heron, [-100, 100], [100, 100]);
    await startServerOn(Number(new URL(address).port));
    await heron.locator('#status').waitFor({ state: 'hidden' });
    const fox = await visit();
    await draw(heron, [-100, 0], [100, 0]);
    await paintedAt(fox, [0, 0]);
    await paintedAt(fox, [0, 100], false);
  });

  it('knows a page that is loaded again', async () => {
    const heron = await visit();
    const fox = await visit();
    await draw(heron, [-100, 0], [100, 0]);
    await heron.reload();
    await fox.getByText('2 here').waitFor();
    await heron.locator('#names li', { hasText: 'Blue Heronyou' }).waitFor();
    await paintedAt(heron, [0, 0]);
    await heron.keyboard.press('Control+z');
    await paintedAt(fox, [0, 0], false);
  });

  it('says politely that the session has ended, and offers the picture', async () => {
    const heron = await visit();
    await draw(heron, [-100, 0], [100, 0]);
    await heron.route('**/healthz', (route) => route.fulfill({ status: 410, json: { reason: 'IDLE' } }));
    server.kill('SIGTERM');
    expect(await once(server, 'exit')).toEqual([0, null]);
    await heron.getByText('This session has ended').waitFor();
    await heron.getByText('it was empty for a while').waitFor();
    const saved = heron.waitForEvent('download');
    await heron.getByRole('button', { name: 'Save the picture' }).click();
    expect((await saved).suggestedFilename()).toBe('drawing-board.png');
  });
});
