import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { connectionTokenId, newConnectionToken } from '@spawner/domain';
import { RouteState, type TokenGrant } from '@spawner/proto/internal/route';
import { Access, BackendState } from '@spawner/proto/v1/backend';
import { eventually, rawHttp, startTimeJudge, startUpstream, type Upstream } from '@spawner/testkit';
import { WebSocket } from 'ws';
import { type ProxyWorld, startProxyWorld } from './proxy-fixture.ts';
import { handshake } from './proxy-websocket-client.ts';

const CLAIMS = '{"role":"owner","name":"\\u00e4"}';
const GOOD_MS = 3_600_000;
const BROWSER = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' };

let world: ProxyWorld;
let upstream: Upstream;
beforeAll(async () => {
  world = await startProxyWorld({ SPAWNER_PROXY_HOLD_TIMEOUT_MS: '5000' });
  upstream = await startUpstream();
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await upstream?.stop();
});

const open = (port: number) => ({
  state: RouteState.OPEN,
  backendState: BackendState.READY,
  local: { host: '127.0.0.1', port },
  access: Access.TOKEN,
});

/** A backend that wants tokens, known to the proxy. */
async function guarded() {
  const made = world.name();
  await world.route(made.id, open(upstream.port));
  await eventually(async () => (await world.get(made.host)).status === 401);
  return made;
}

async function grant(backendId: string, more: Partial<TokenGrant> = {}) {
  const token = newConnectionToken(randomBytes);
  const tokenId = connectionTokenId(token);
  const holder = { backendId, user: 'ada', claims: CLAIMS, expireMs: Date.now() + GOOD_MS, ...more };
  await world.row({ kind: 'tokenGrant', tokenId, ...holder, epoch: 0 });
  return {
    token,
    tokenId,
    bearer: { authorization: `Bearer ${token}` },
    cookie: { cookie: `spawner-token=${token}` },
  };
}
const revoke = (tokenId: string) => world.row({ kind: 'revokedToken', tokenId, epoch: 0 });

/** One request as the backend saw it. */
async function seenBy(host: string, path: string, headers: Record<string, string>) {
  const answer = await world.get(host, path, headers);
  expect(answer.status).toBe(200);
  return JSON.parse(answer.body) as { url: string; headers: Record<string, string> };
}

async function openSocket(
  host: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${world.port}${path}`, { headers: { host, ...headers } });
  socket.on('error', () => {});
  await once(socket, 'open');
  return socket;
}

describe('a backend that wants a token', () => {
  it('is closed to who has none, to programs in JSON and to browsers as a page', async () => {
    const { id, host } = await guarded();
    const before = upstream.seen.length;
    const plain = await world.get(host);
    expect([plain.status, plain.headers['www-authenticate'], plain.headers['content-type']]).toEqual([
      ...[401, 'Bearer', 'application/json'],
    ]);
    expect(JSON.parse(plain.body).code).toBe('UNAUTHENTICATED');
    const page = await world.get(host, '/', BROWSER);
    expect([page.status, page.headers['content-type']]).toEqual([401, 'text/html; charset=utf-8']);
    expect((await rawHttp(world.port, handshake(host))).toString()).toMatch(/^HTTP\/1\.1 401 /);
    expect(upstream.seen.length).toBe(before);
    expect((await world.settle(id)).open).toBe(0);
  });

  it('never says what is wrong with a token: wrong, expired, revoked and another’s answer alike', async () => {
    const { id, host } = await guarded();
    const sibling = await guarded();
    const [expired, revoked, others] = [
      await grant(id, { expireMs: Date.now() - 1 }),
      await grant(id),
      await grant(sibling.id),
    ];
    await seenBy(host, '/headers', revoked.bearer);
    await seenBy(sibling.host, '/headers', others.bearer);
    await revoke(revoked.tokenId);
    await eventually(async () => (await world.get(host, '/', revoked.bearer)).status === 401);
    const nobody = newConnectionToken(randomBytes);
    const none = await world.get(host);
    for (const { token } of [expired, revoked, others, { token: nobody }])
      for (const [path, headers] of [
        ['/', { authorization: `Bearer ${token}` }],
        ['/', { cookie: `spawner-token=${token}` }],
        [`/?spawner_token=${token}`, {}],
        [`/?spawner_token=${token}`, BROWSER],
      ] as [string, Record<string, string>][]) {
        const { status, body, headers: answered } = await world.get(host, path, headers);
        expect([status, answered['set-cookie'], answered.location]).toEqual([401, undefined, undefined]);
        if (headers !== BROWSER) expect(body).toBe(none.body);
      }
  });

  it('is open to a bearer token, a cookie and a query, and sees none of them', async () => {
    const { id, host } = await guarded();
    const { token, bearer, cookie } = await grant(id);
    const told = { 'x-spawner-user': 'ada', 'x-spawner-claims': CLAIMS, 'x-spawner-backend': id };
    const byBearer = await seenBy(host, '/headers?a=1', bearer);
    expect(byBearer).toMatchObject({ url: '/headers?a=1', headers: told });
    expect(byBearer.headers).not.toHaveProperty('authorization');
    const byCookie = await seenBy(host, '/headers', {
      cookie: `a=1; ${cookie.cookie}`,
      authorization: 'Bearer own',
    });
    expect(byCookie.headers).toMatchObject({ ...told, cookie: 'a=1', authorization: 'Bearer own' });
    const byQuery = await seenBy(host, `/headers?a=1&spawner_token=${token}&b=2`, {});
    expect(byQuery).toMatchObject({ url: '/headers?a=1&b=2', headers: told });
    expect(JSON.stringify([byBearer, byCookie, byQuery, upstream.seen])).not.toContain(token);
  });

  it('learns its user from the token alone, whatever the client sends', async () => {
    const { id, host } = await guarded();
    const { bearer } = await grant(id, { user: '', claims: '' });
    const forged = { 'X-Spawner-User': 'root', X_Spawner_User: 'root', 'X-Spawner_Claims': '{}' };
    const { headers } = await seenBy(host, '/headers', { ...bearer, ...forged, 'x-spawner-claims': '{}' });
    expect(Object.keys(headers).filter((name) => /spawner/i.test(name))).toEqual(['x-spawner-backend']);
  });

  it('is open on a connection to who has a token, request by request', async () => {
    const { id, host } = await guarded();
    const { token } = await grant(id);
    await seenBy(host, '/headers', { authorization: `Bearer ${token}` });
    const get = (more: string) => `GET /name HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;
    const answers = await rawHttp(
      world.port,
      get('') + get(`Authorization: Bearer ${token}\r\n`) + get('Connection: close\r\n'),
    );
    expect([...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual([
      ...['401', '200', '401'],
    ]);
  });
});

describe('a browser with a token in its address', () => {
  it('gets a cookie, and the same address without the token', async () => {
    const { id, host } = await guarded();
    const { token } = await grant(id);
    await seenBy(host, '/headers', { authorization: `Bearer ${token}` });
    const { status, headers } = await world.get(host, `/a/b?x=1&spawner_token=${token}&y=%2F`, BROWSER);
    expect([status, headers.location, headers['referrer-policy'], headers['cache-control']]).toEqual([
      ...[303, '/a/b?x=1&y=%2F', 'no-referrer', 'no-store'],
    ]);
    const [cookie = ''] = headers['set-cookie'] ?? [];
    expect(cookie).toMatch(
      new RegExp(`^spawner-token=${token}; Path=/; Max-Age=3[56]\\d\\d; HttpOnly; SameSite=Lax$`),
    );
    await seenBy(host, '/headers', { ...BROWSER, cookie: cookie.split(';')[0] ?? '' });
  });

  it.each(['//evil.test', '//evil.test/%2f..', '/\\evil.test', '/\\/evil.test'])(
    'is not sent to another host by %s',
    async (path) => {
      const { id, host } = await guarded();
      const { token, bearer } = await grant(id);
      await seenBy(host, '/headers', bearer);
      const answer = await world.get(host, `${path}?spawner_token=${token}`, BROWSER);
      expect([answer.status, answer.headers.location, answer.headers['set-cookie']]).toEqual([
        ...[400, undefined, undefined],
      ]);
    },
  );

  it('is sent within its own host also where its request is in absolute form', async () => {
    const { id, host } = await guarded();
    const { token, bearer } = await grant(id);
    await seenBy(host, '/headers', bearer);
    const raw = async (target: string) =>
      (
        await rawHttp(
          world.port,
          `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nSec-Fetch-Mode: navigate\r\nConnection: close\r\n\r\n`,
        )
      ).toString();
    expect(await raw(`http://${host}/a?spawner_token=${token}`)).toMatch(
      /^HTTP\/1\.1 303 [\s\S]*\r\nLocation: \/a\r\n/i,
    );
    expect(await raw(`http://evil.test/a?spawner_token=${token}`)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await raw(`http://${host}//evil.test?spawner_token=${token}`)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await raw(`/a\x01?spawner_token=${token}`)).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('a token of a sibling', () => {
  it('opens nothing, and a sibling’s page cannot use the cookie of a visitor', async () => {
    const { id, host } = await guarded();
    const sibling = await guarded();
    const [own, others] = [await grant(id), await grant(sibling.id)];
    await seenBy(host, '/headers', own.cookie);
    await seenBy(sibling.host, '/headers', others.cookie);
    expect((await world.get(host, '/', others.cookie)).status).toBe(401);
    // A sibling's script may set a cookie for the whole domain; it comes beside the right one.
    const both = { cookie: `${others.cookie.cookie}; ${own.cookie.cookie}` };
    expect((await seenBy(host, '/headers', both)).headers).not.toHaveProperty('cookie');
    const foreign = { ...own.cookie, origin: `http://${sibling.host}` };
    expect((await world.get(host, '/', foreign)).status).toBe(401);
    expect((await world.get(host, '/', { ...own.cookie, 'sec-fetch-site': 'same-site' })).status).toBe(401);
    await expect(openSocket(host, '/ws', foreign)).rejects.toMatchObject({
      message: expect.stringContaining('401'),
    });
    const home = await openSocket(host, '/ws', { ...own.cookie, origin: `http://${host}` });
    home.terminate();
  });
});

describe('revoking a token', () => {
  it('cuts its WebSockets and its exchanges within a second, and no others', async () => {
    const { id, host } = await guarded();
    const [ada, bob] = [await grant(id), await grant(id, { user: 'bob' })];
    await seenBy(host, '/headers', ada.bearer);
    await seenBy(host, '/headers', bob.bearer);
    const sockets = [
      await openSocket(host, `/ws?spawner_token=${ada.token}`),
      await openSocket(host, '/ws', ada.cookie),
      await openSocket(host, '/ws', ada.bearer),
    ];
    const stays = await openSocket(host, '/ws', bob.bearer);
    const stream = httpGet({
      ...{ port: world.port, path: '/sse?ms=50&count=1000', agent: false },
      headers: { host, ...ada.bearer },
    });
    const [answer] = (await once(stream, 'response')) as [IncomingMessage];
    await once(answer, 'data');
    expect((await world.settle(id)).open).toBe(5);

    using judge = startTimeJudge(() => [world.proxy.pid]);
    const began = Date.now();
    const cut = [
      ...sockets.map((socket) => once(socket, 'close')),
      new Promise<void>((resolve) => void answer.once('error', () => resolve())),
    ];
    await revoke(ada.tokenId);
    await Promise.all(cut);
    judge.expect({ what: 'the revocation', from: began, boundMs: 1_000 });
    await eventually(async () => expect((await world.settle(id)).open).toBe(1));
    const echo = once(stays, 'message');
    stays.send('still here');
    expect(String((await echo)[0])).toBe('echo: still here');
    stays.close();
  });

  it('refuses a request that is held, and lets the others have their backend', async () => {
    const made = world.name();
    await world.route(made.id, { state: RouteState.PENDING, access: Access.TOKEN });
    const [ada, bob] = [await grant(made.id), await grant(made.id, { user: 'bob' })];
    await eventually(async () => expect((await world.get(made.host)).status).toBe(401));
    const held = [ada, bob].map(({ bearer }) => world.get(made.host, '/headers', bearer));
    await eventually(async () => expect((await world.settle(made.id)).open).toBe(2));
    await revoke(ada.tokenId);
    await world.route(made.id, open(upstream.port));
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([401, 200]);
  });
});

it('keeps open exchanges when a token expires, and refuses new ones', async () => {
  const { id, host } = await guarded();
  const ada = await grant(id, { expireMs: Date.now() + 4_000 });
  const socket = await openSocket(host, '/ws', ada.bearer);
  await eventually(async () => expect((await world.get(host, '/', ada.bearer)).status).toBe(401));
  const echo = once(socket, 'message');
  socket.send('still here');
  expect(String((await echo)[0])).toBe('echo: still here');
  socket.terminate();
});
