/** The line of an exchange in the access log, for every way that it can go. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:http2';
import { connect } from 'node:net';
import {
  type Authority,
  eventually,
  freePort,
  makeAuthority,
  rawHttp,
  request,
  startUpstream,
  type Upstream,
} from '@spawner/testkit';
import { WebSocket } from 'ws';
import { http2Session } from '../conformance/websocket/routes.ts';
import { DOMAIN, hasFastPath, type ProxyWorld, startProxyWorld } from './proxy-fixture.ts';

let world: ProxyWorld;
let authority: Authority;
let upstream: Upstream;

beforeAll(async () => {
  world = await startProxyWorld({
    SPAWNER_PROXY_HTTPS: 'true',
    SPAWNER_PROXY_REDIRECT_TO_HTTPS: 'false',
    SPAWNER_PROXY_ACCESS_LOG: 'all',
  });
  authority = await makeAuthority('access');
  upstream = await startUpstream();
  world.certify(await authority.issue([`*.${DOMAIN}`]));
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await upstream?.stop();
  await authority?.stop();
});

/** The way that plain requests and handshakes of HTTP/1.1 go. */
const usual = () => (hasFastPath() ? 'fast' : 'general');

function linesIn({ proxy }: ProxyWorld) {
  const written = proxy.lines.filter((line) => line.includes('"log":"access"'));
  return written.map((line) => JSON.parse(line));
}

/** The one line of this backend and path. */
const lineOf = (id: string, path: string) =>
  eventually(() => {
    const [line, ...more] = linesIn(world).filter((each) => each.backend === id && each.path === path);
    expect(more).toEqual([]);
    return line ?? false;
  });

describe('the access log', () => {
  it('has a line for a request, without what may be a token', async () => {
    const { id, host } = await world.backend(upstream);
    const headers = { 'user-agent': 'some browser/1.0 (of ours)', connection: 'close' };
    await world.get(host, '/slow?ms=300&spawner_token=it-is-a-secret', headers);
    const line = await lineOf(id, '/slow');
    expect(line).toMatchObject({
      service: 'proxy',
      proxy: 'proxy-1',
      host,
      backend: id,
      method: 'GET',
      status: 200,
      held_ms: expect.any(Number),
      protocol: 'HTTP/1.1',
      upgrade: false,
      client: '127.0.0.1',
      user_agent: 'some browser/1.0 (of ours)',
      path_kind: usual(),
      reason: null,
    });
    expect(line.duration_ms).toBeGreaterThanOrEqual(290);
    expect(line.first_byte_ms).toBeGreaterThanOrEqual(290);
    expect(line.first_byte_ms).toBeLessThanOrEqual(line.duration_ms);
    expect(Date.parse(line.time)).toBeGreaterThan(Date.now() - 60_000);
    expect(world.proxy.output()).not.toContain('it-is-a-secret');
  });

  it('counts the bytes of each exchange for itself, on a kept connection too', async () => {
    const { id, host } = await world.backend(upstream);
    const body = 'x'.repeat(100_000);
    await request({ port: world.port, host, path: '/echo?1', method: 'POST', body });
    await world.get(host, '/name');
    await world.get(host, '/headers');
    const upload = await lineOf(id, '/echo');
    expect(upload.bytes_in).toBeGreaterThan(100_000);
    expect(upload.bytes_in).toBeLessThan(102_000);
    expect(upload.bytes_out).toBeGreaterThan(100_000);
    for (const path of ['/name', '/headers']) {
      const { bytes_in, bytes_out } = await lineOf(id, path);
      expect([bytes_in > 50, bytes_in < 2_000, bytes_out > 50, bytes_out < 4_000]).toEqual(
        Array(4).fill(true),
      );
    }
  });

  it('has a line for a WebSocket when it is over, and none before', async () => {
    const { id, host } = await world.backend(upstream);
    const socket = new WebSocket(`ws://127.0.0.1:${world.port}/chat?a=b`, { headers: { host } });
    await once(socket, 'open');
    const echo = once(socket, 'message');
    socket.send('x'.repeat(5_000));
    await echo;
    await world.get(host, '/name');
    await lineOf(id, '/name');
    expect(linesIn(world).filter(({ path }) => path === '/chat')).toEqual([]);
    socket.close();
    const line = await lineOf(id, '/chat');
    expect(line).toMatchObject({ status: 101, upgrade: true, path_kind: usual(), reason: null });
    expect(line.bytes_in).toBeGreaterThan(5_000);
    expect(line.bytes_out).toBeGreaterThan(5_000);
    expect(line.first_byte_ms).toBeLessThan(line.duration_ms);
  });

  it('has lines for HTTP/2, for a WebSocket over it too', async () => {
    const { id, host } = await world.backend(upstream);
    const session = await eventually(() => http2Session(world.httpsPort, host, authority.caPem));
    const stream = session.request({ ':path': '/name?x', ':authority': host, 'user-agent': 'two' });
    stream.resume();
    await once(stream, 'close');
    expect(await lineOf(id, '/name')).toMatchObject({
      host,
      method: 'GET',
      status: 200,
      protocol: 'HTTP/2.0',
      user_agent: 'two',
      path_kind: 'general',
    });
    const tunnel = session.request(
      {
        ':method': 'CONNECT',
        ':protocol': 'websocket',
        ':path': '/ws',
        ':scheme': 'https',
        ':authority': host,
        'sec-websocket-version': '13',
      },
      { endStream: false },
    );
    const [head] = await once(tunnel, 'response');
    expect(head[':status']).toBe(200);
    expect(linesIn(world).filter(({ backend, path }) => backend === id && path === '/ws')).toEqual([]);
    tunnel.destroy();
    expect(await lineOf(id, '/ws')).toMatchObject({ method: 'CONNECT', status: 200, upgrade: true });
    session.destroy();
  });

  it('says how long a request was held', async () => {
    const { id, host } = await world.startingBackend();
    const held = world.get(host, '/name');
    await eventually(async () => (await world.settle(id)).open === 1);
    const from = performance.now();
    await eventually(() => performance.now() - from > 200);
    await world.ready(id, upstream.port);
    expect((await held).status).toBe(200);
    const line = await lineOf(id, '/name');
    expect(line).toMatchObject({ status: 200, path_kind: 'general' });
    expect(line.held_ms).toBeGreaterThan(190);
    expect(line.held_ms).toBeLessThanOrEqual(line.duration_ms);
  });

  it('says why the proxy answered itself, and that a client left', async () => {
    const unknown = world.name();
    await world.get(unknown.host, '/nobody');
    expect(await lineOf(unknown.id, '/nobody')).toMatchObject({ status: 404, reason: 'unknown' });
    const dead = await world.backend(upstream);
    await world.ready(dead.id, await freePort());
    await eventually(async () => (await world.get(dead.host, '/dead')).status === 502);
    await eventually(() =>
      linesIn(world).some(
        ({ backend, path, status, reason, path_kind }) =>
          backend === dead.id &&
          path === '/dead' &&
          status === 502 &&
          reason === 'bad_gateway' &&
          path_kind === usual(),
      ),
    );
    const { id, host } = await world.backend(upstream);
    const leaving = connect({ port: world.port, host: '127.0.0.1' }).on('error', () => {});
    leaving.write(`GET /slow?ms=60000 HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    await eventually(async () => (await world.settle(id)).open === 1);
    leaving.destroy();
    expect(await lineOf(id, '/slow')).toMatchObject({
      status: null,
      reason: 'client_left',
      first_byte_ms: null,
    });
  });

  it.each([
    ['the client', 'client_left'],
    ['the backend', 'broken_answer'],
  ])('tells that %s broke an answer off', async (who, reason) => {
    const path = '/download?bytes=100000&ms=5000';
    const session = await eventually(() => http2Session(world.httpsPort, world.name().host, authority.caPem));
    const one = await world.backend(upstream);
    const plain = connect({ port: world.port, host: '127.0.0.1' }).on('error', () => {});
    plain.write(`GET ${path} HTTP/1.1\r\nHost: ${one.host}\r\n\r\n`);
    const two = await world.backend(upstream);
    const stream = session.request({ ':path': path, ':authority': two.host }).on('error', () => {});
    await Promise.all([once(plain, 'data'), once(stream, 'data')]);
    if (who === 'the backend') upstream.cut();
    else {
      plain.destroy();
      stream.close(constants.NGHTTP2_CANCEL);
    }
    for (const { id } of [one, two])
      expect(await lineOf(id, '/download')).toMatchObject({ status: 200, reason });
    session.destroy();
  });
});

it('an access log of errors has what the proxy failed, and nothing else', async () => {
  await using quiet = await startProxyWorld({ SPAWNER_PROXY_ACCESS_LOG: 'errors' });
  const { id, host } = await quiet.backend(upstream);
  for (let n = 0; n < 5; n++) await quiet.get(host, '/name');
  await quiet.get(quiet.name().host, '/nobody');
  await quiet.ready(id, await freePort());
  await eventually(async () => (await quiet.get(host, '/dead')).status === 502);
  await eventually(() => linesIn(quiet).length > 0);
  expect(new Set(linesIn(quiet).map(({ status }) => status))).toEqual(new Set([502]));
});

it('an access log without a reader delays no request, is dropped beyond a bound, and is counted', async () => {
  await using read = await startProxyWorld({ SPAWNER_PROXY_ACCESS_LOG: 'off' });
  const { host } = await read.backend(upstream);
  const [port, adminPort] = [await freePort(), await freePort()];
  const child = spawn(process.execPath, ['services/proxy/src/main.ts'], {
    env: {
      ...process.env,
      ...read.variables,
      SPAWNER_PROXY_ID: 'proxy-2',
      SPAWNER_PROXY_ACCESS_LOG: 'all',
      SPAWNER_PROXY_HTTP_PORT: String(port),
      SPAWNER_PROXY_ADMIN_PORT: String(adminPort),
    },
    // The other end is not read yet.
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    await eventually(async () => (await request({ port, host, path: '/name' })).status === 200);
    const metrics = async () => (await request({ port: adminPort, host: 'admin', path: '/metrics' })).body;
    const agent = `GET /name HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: ${'x'.repeat(256)}\r\n`;
    const burst = `${`${agent}\r\n`.repeat(199)}${agent}Connection: close\r\n\r\n`;
    await eventually(
      async () => {
        const answers = await rawHttp(port, burst);
        expect(answers.match(/HTTP\/1\.1 200 /g)).toHaveLength(200);
        return /^spawner_proxy_access_log_dropped_total\S* [1-9]/m.test(await metrics());
      },
      { timeoutMs: 120_000 },
    );
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    await eventually(() => output.includes('lines of the access log were dropped'));
  } finally {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
});

it('without an access log nothing is said of an exchange', async () => {
  await using silent = await startProxyWorld();
  const { host } = await silent.backend(upstream);
  await silent.get(host, '/name');
  await silent.proxy.stop();
  expect(silent.proxy.output()).not.toContain('"log":"access"');
});
