/** Connection tokens where there is TLS: the cookie that stays with its host, over both protocols. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { connectionTokenId, newConnectionToken } from '@spawner/domain';
import { RouteState } from '@spawner/proto/internal/route';
import { Access, BackendState } from '@spawner/proto/v1/backend';
import {
  type Authority,
  eventually,
  makeAuthority,
  request,
  startTimeJudge,
  startUpstream,
  type Upstream,
} from '@spawner/testkit';
import { DOMAIN, type ProxyWorld, startProxyWorld } from './proxy-fixture.ts';

const BROWSER = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' };

let world: ProxyWorld;
let authority: Authority;
let upstream: Upstream;
beforeAll(async () => {
  world = await startProxyWorld({ SPAWNER_PROXY_HTTPS: 'true' });
  authority = await makeAuthority('root');
  upstream = await startUpstream();
  world.certify(await authority.issue([`*.${DOMAIN}`]));
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await Promise.all([upstream?.stop(), authority?.stop()]);
});

const get = (host: string, path: string, headers: Record<string, string> = {}) =>
  request({ port: world.httpsPort, host, path, headers, tls: { ca: authority.caPem } });

/** A backend that wants tokens, and one of them, both known to the proxy. */
async function visited() {
  const { id, host } = world.name();
  const token = newConnectionToken(randomBytes);
  const tokenId = connectionTokenId(token);
  const local = { host: '127.0.0.1', port: upstream.port };
  const route = { state: RouteState.OPEN, backendState: BackendState.READY, local, access: Access.TOKEN };
  await world.route(id, route);
  const grant = { backendId: id, user: 'ada', claims: '', expireMs: Date.now() + 60_000 };
  await world.row({ kind: 'tokenGrant', tokenId, ...grant, epoch: 0 });
  await eventually(async () => expect((await get(host, `/?spawner_token=${token}`)).status).toBe(200));
  return { host, token, revoke: () => world.row({ kind: 'revokedToken', tokenId, epoch: 0 }) };
}

/** HTTP/2 to the proxy as if `host` resolved to it. */
function openSession(host: string): Promise<ClientHttp2Session> {
  const { httpsPort: port } = world;
  const tls = { port, host: '127.0.0.1', servername: host, ca: authority.caPem, ALPNProtocols: ['h2'] };
  const socket = connectTls(tls);
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('secureConnect', () =>
      resolve(connectHttp2(`https://${host}`, { createConnection: () => socket })),
    );
  });
}

it('the cookie has the name that keeps it to the host, and no other name counts', async () => {
  const { host, token } = await visited();
  const { status, headers } = await get(host, `/?spawner_token=${token}`, BROWSER);
  const [cookie = ''] = headers['set-cookie'] ?? [];
  expect([status, headers.location]).toEqual([303, '/']);
  expect(cookie).toMatch(
    new RegExp(`^__Host-spawner-token=${token}; Path=/; Max-Age=\\d+; HttpOnly; Secure; SameSite=Lax$`),
  );
  const seen = await get(host, '/headers', { cookie: `a=1; ${cookie.split(';')[0]}` });
  expect([seen.status, JSON.parse(seen.body).headers.cookie]).toEqual([200, 'a=1']);
  expect((await get(host, '/headers', { cookie: `spawner-token=${token}` })).status).toBe(401);
});

it('an exchange over HTTP/2 is cut when its token is revoked, and its neighbour is not', async () => {
  const [one, two] = [await visited(), await visited()];
  const session = await openSession(one.host);
  const open = async ({ host, token }: { host: string; token: string }) => {
    const stream = session.request({
      ':authority': host,
      ':path': '/sse?ms=50&count=1000',
      cookie: `__Host-spawner-token=${token}`,
    });
    stream.on('error', () => {});
    const [head] = await once(stream, 'response');
    expect(head[':status']).toBe(200);
    await once(stream, 'data');
    return stream;
  };
  const [cut, stays] = [await open(one), await open(two)];
  using judge = startTimeJudge(() => [world.proxy.pid]);
  const began = Date.now();
  const closed = once(cut, 'close');
  await one.revoke();
  await closed;
  judge.expect({ what: 'the revocation', from: began, boundMs: 1_000 });
  await once(stays, 'data');
  expect(session.closed).toBe(false);
  session.destroy();
});

it('a WebSocket over HTTP/2 is let in by the cookie, and cut when its token is revoked', async () => {
  const { host, token, revoke } = await visited();
  const session = await openSession(host);
  const open = (cookie: string, origin: string) => {
    const stream = session.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':authority': host,
      ':path': '/ws',
      'sec-websocket-version': '13',
      cookie,
      origin,
    });
    stream.on('error', () => {});
    return stream;
  };
  const statusOf = async (stream: ReturnType<typeof open>) => (await once(stream, 'response'))[0][':status'];
  const cookie = `__Host-spawner-token=${token}`;
  expect(await statusOf(open('', `https://${host}`))).toBe(401);
  expect(await statusOf(open(cookie, `https://other.${DOMAIN}`))).toBe(401);
  const stream = open(cookie, `https://${host}`);
  expect(await statusOf(stream)).toBe(200);
  using judge = startTimeJudge(() => [world.proxy.pid]);
  const began = Date.now();
  const closed = once(stream, 'close');
  await revoke();
  await closed;
  judge.expect({ what: 'the revocation', from: began, boundMs: 1_000 });
  session.destroy();
});
