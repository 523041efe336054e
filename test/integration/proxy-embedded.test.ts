import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import { connectionTokenId, newConnectionToken } from '@spawner/domain';
import { RouteState } from '@spawner/proto/internal/route';
import { Access, BackendState } from '@spawner/proto/v1/backend';
import {
  eventually,
  makeAuthority,
  quietNetworkFor,
  request,
  startRelay,
  startUpstream,
} from '@spawner/testkit';
import { type Browser, chromium, type Frame, type Page } from 'playwright-core';
import { DOMAIN, type ProxyWorld, startProxyWorld } from './proxy-fixture.ts';

const SESSIONS = 10;

const stack = new AsyncDisposableStack();
let world: ProxyWorld;
let browser: Browser;
/** The port for HTTPS, as the browser sees it. */
let port: number;
let ca: string;
/** The application's page has a frame for each of these addresses. */
let framed: string[] = [];
let application: string;

beforeAll(async () => {
  const { executablePath, hostAddress } = stack.use(await quietNetworkFor('/usr/bin/chromium'));
  const authority = stack.use(await makeAuthority('root'));
  ca = authority.caPem;
  world = stack.use(await startProxyWorld({ SPAWNER_PROXY_HTTPS: 'true' }));
  world.certify(await authority.issue([`*.${DOMAIN}`]));
  ({ port } = stack.use(await startRelay(world.httpsPort, hostAddress)));
  const { certPem: cert, keyPem: key } = await authority.issue(['application.test']);
  const server = createServer({ cert, key }, (_, answer) => {
    answer.setHeader('Content-Type', 'text/html');
    answer.end(framed.map((address) => `<iframe src="${address}"></iframe>`).join(''));
  });
  await once(server.listen(0, hostAddress), 'listening');
  stack.defer(() => void server.close());
  application = `https://application.test:${(server.address() as { port: number }).port}/`;
  browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', `--host-resolver-rules=MAP * ${hostAddress}`],
  });
  stack.defer(() => browser.close());
});
afterAll(() => stack.disposeAsync());

/** A private session, by the address with its token. */
async function privateSession(upstreamPort: number) {
  const { id, host } = world.name();
  const token = newConnectionToken(randomBytes);
  const tokenId = connectionTokenId(token);
  const local = { host: '127.0.0.1', port: upstreamPort };
  await world.route(id, {
    ...{ state: RouteState.OPEN, backendState: BackendState.READY, local, access: Access.TOKEN },
  });
  const grant = { backendId: id, user: 'ada', claims: '', expireMs: Date.now() + 600_000 };
  await world.row({ kind: 'tokenGrant', tokenId, ...grant, epoch: 0 });
  const path = `/?spawner_token=${token}`;
  const get = () => request({ port: world.httpsPort, host, path, tls: { ca } });
  await eventually(async () => expect((await get()).status).toBe(200));
  return { host, address: `https://${host}:${port}${path}` };
}

/** The answers to a script in a frame: to a request, and by WebSocket. */
const askedIn = (frame: Frame) =>
  frame.evaluate(async (host) => {
    const { status } = await fetch('/');
    const socket = new WebSocket(`wss://${host}/socket`);
    const heard = await new Promise((resolve) => {
      socket.onopen = () => socket.send('hello');
      socket.onmessage = ({ data }) => resolve(data);
      socket.onerror = () => resolve('refused');
    });
    socket.close();
    return [status, heard];
  }, new URL(frame.url()).host);

const sessionsIn = (page: Page) => page.frames().filter((frame) => frame !== page.mainFrame());

describe('private sessions in frames of a page of another site', () => {
  it('stay signed in, ten on one page, with WebSockets and over a reload', async () => {
    await using upstream = await startUpstream({ hello: 'a private page' });
    const sessions = await Promise.all(Array.from({ length: SESSIONS }, () => privateSession(upstream.port)));
    framed = sessions.map(({ address }) => address);
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    const isSignedIn = async () => {
      const frames = sessionsIn(page);
      expect(frames).toHaveLength(SESSIONS);
      for (const frame of frames) {
        await eventually(async () => expect(await frame.textContent('body')).toBe('a private page'));
        expect(new URL(frame.url()).search).toBe('');
        expect(await askedIn(frame)).toEqual([200, 'echo: hello']);
      }
    };
    await page.goto(application);
    await isSignedIn();
    // The addresses without their tokens, as a page has them that is opened again.
    framed = sessions.map(({ host }) => `https://${host}:${port}/`);
    await page.goto(application);
    await isSignedIn();
    await page.reload();
    await isSignedIn();
    await context.close();
  });

  it('are signed in within that page alone', async () => {
    await using upstream = await startUpstream({ hello: 'a private page' });
    const { host, address } = await privateSession(upstream.port);
    framed = [address];
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await page.goto(application);
    const [frame] = sessionsIn(page);
    await eventually(async () => expect(await frame?.textContent('body')).toBe('a private page'));
    const answer = await page.goto(`https://${host}:${port}/`);
    expect(answer?.status()).toBe(401);
    await context.close();
  });
});
