/** Connection tokens over the whole constellation: two proxies, a real browser, and what a stranger might try. */
import { once } from 'node:events';
import { request, startTimeJudge } from '@spawner/testkit';
import { type Browser, chromium, type Page } from 'playwright-core';
import { WebSocket } from 'ws';
import { type Cluster, startCluster } from '../cluster/cluster.ts';

const CHROMIUM_ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'];

interface Token {
  token: string;
  url: string;
  tokenId: string;
}

/** The globals of the page; the project's types know no browser. */
interface PageSocket {
  readyState: number;
  addEventListener(event: string, listener: (event: { data: unknown }) => void): void;
  send(text: string): void;
}
interface PageWindow {
  WebSocket: new (url: string) => PageSocket;
  location: { host: string; href: string };
  document: { cookie: string };
  socket: PageSocket;
}

describe('connection tokens', () => {
  let cluster: Cluster;
  let browser: Browser;
  beforeAll(async () => {
    cluster = await startCluster({ runtime: 'process', count: { proxy: 2 } });
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: CHROMIUM_ARGS });
  });
  afterAll(async () => {
    await browser?.close();
    await cluster?.stop();
  });

  const spawn = async () =>
    (await cluster.spawnReady({ image: 'spawner/probe:latest', access: 'TOKEN', idleTimeoutMs: 0 })).id;
  const create = async (id: string, user: string, claims = {}): Promise<Token> => {
    const { status, json } = await cluster.call('POST', `/v1/backends/${id}/tokens`, { user, claims });
    expect(status).toBe(201);
    return json as unknown as Token;
  };
  const revoke = (id: string, query: string) => cluster.call('DELETE', `/v1/backends/${id}/tokens?${query}`);
  const ports = () => cluster.services.proxy.map(({ ports: { SPAWNER_PROXY_HTTP_PORT: port } }) => port!);
  const get = (port: number, id: string, { token }: { token: string }, path = '/headers') =>
    request({ port, path, host: `${id}.${cluster.domain}`, headers: { authorization: `Bearer ${token}` } });

  /** Opens a WebSocket from the page, says something, and resolves with the answer. */
  const talk = (page: Page) =>
    page.evaluate(
      () =>
        new Promise<string>((resolve, reject) => {
          const self = globalThis as unknown as PageWindow;
          self.socket = new self.WebSocket(`ws://${self.location.host}/ws`);
          self.socket.addEventListener('open', () => self.socket.send('hello'));
          self.socket.addEventListener('message', ({ data }) => resolve(String(data)));
          self.socket.addEventListener('error', () => reject(new Error('the WebSocket failed')));
        }),
    );

  it('let a browser in by its address, then by a cookie that no script sees, until they are revoked', async () => {
    const id = await spawn();
    const { url, token } = await create(id, 'ada', { role: 'owner' });
    const context = await browser.newContext();
    const page = await context.newPage();
    const bare = url.split('?')[0]!;
    expect((await page.goto(bare))?.status()).toBe(401);
    expect(await page.textContent('h1')).toBe('This session needs an invitation');

    expect((await page.goto(`${bare}headers?a=1&spawner_token=${token}#here`))?.status()).toBe(200);
    expect(page.url()).toBe(`${bare}headers?a=1#here`);
    const seen = JSON.parse((await page.textContent('pre')) ?? (await page.textContent('body')) ?? '');
    expect(seen.url).toBe('/headers?a=1');
    expect(seen.headers).toMatchObject({ 'x-spawner-user': 'ada', 'x-spawner-claims': '{"role":"owner"}' });
    expect(JSON.stringify(seen)).not.toContain(token);
    expect(await page.evaluate(() => (globalThis as unknown as PageWindow).document.cookie)).toBe('');
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({
      value: token,
      httpOnly: true,
      sameSite: 'Lax',
      domain: `${id}.${cluster.domain}`,
    });
    expect(await talk(page)).toContain('hello');

    // Another backend's page gets nothing with this browser's cookie.
    const sibling = await spawn();
    const beside = await context.newPage();
    expect((await beside.goto((await create(sibling, 'ada')).url))?.status()).toBe(200);
    const asked = beside.evaluate(
      (target) =>
        new Promise<string>((resolve) => {
          const self = globalThis as unknown as PageWindow;
          const socket = new self.WebSocket(target);
          socket.addEventListener('open', () => resolve('open'));
          socket.addEventListener('error', () => resolve('refused'));
        }),
      `${bare.replace('http', 'ws')}ws`,
    );
    expect(await asked).toBe('refused');

    const closed = page.evaluate(
      () =>
        new Promise<void>((resolve) => {
          const { socket } = globalThis as unknown as PageWindow;
          if (socket.readyState === 3) resolve();
          socket.addEventListener('close', () => resolve());
        }),
    );
    expect((await revoke(id, 'user=ada')).json).toEqual({ count: 1 });
    await closed;
    expect((await page.goto(bare))?.status()).toBe(401);
    expect((await beside.reload())?.status()).toBe(200);
    await context.close();
  });

  it('are accepted by every proxy as soon as they are created, and cut at every proxy within a second', async () => {
    using judge = startTimeJudge(cluster.pids);
    const id = await spawn();
    for (let round = 0; round < 5; round++) {
      const [ada, bob] = [await create(id, 'ada'), await create(id, 'bob')];
      const answers = await Promise.all(ports().map((port) => get(port, id, ada)));
      expect(answers.map(({ status }) => status)).toEqual([200, 200]);
      const open = (port: number, { token }: Token) =>
        new WebSocket(`ws://127.0.0.1:${port}/ws`, {
          headers: { host: `${id}.${cluster.domain}`, authorization: `Bearer ${token}` },
        }).on('error', () => {});
      const sockets = ports().map((port) => open(port, ada));
      const stay = ports().map((port) => open(port, bob));
      await Promise.all([...sockets, ...stay].map((socket) => once(socket, 'open')));
      const cut = sockets.map((socket) => once(socket, 'close').then(() => Date.now()));
      expect((await revoke(id, `tokenId=${ada.tokenId}`)).json).toEqual({ count: 1 });
      const revokedAt = Date.now();
      const to = Math.max(...(await Promise.all(cut)));
      judge.expect({ what: 'the revocation', from: revokedAt, to, boundMs: 1_000 });
      const after = await Promise.all(ports().map((port) => get(port, id, ada)));
      expect(after.map(({ status }) => status)).toEqual([401, 401]);
      expect(stay.map(({ readyState }) => readyState)).toEqual([1, 1]);
      for (const socket of stay) socket.terminate();
    }
  });

  it('wait with their bearer for a backend that is starting, from its very first moment', async () => {
    const { id } = await cluster.spawn({ image: 'spawner/probe:latest', access: 'TOKEN', idleTimeoutMs: 0 });
    const ada = await create(id, 'ada');
    expect((await get(ports()[1]!, id, ada)).status).toBe(200);
    expect((await cluster.fetchBackend(id)).status).toBe(401);
  });
});
