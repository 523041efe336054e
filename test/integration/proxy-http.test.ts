import { createHash, randomBytes } from 'node:crypto';
import { createServer as createHttpServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import { RouteState } from '@spawner/proto/internal/route';
import { BackendState } from '@spawner/proto/v1/backend';
import { eventually, rawHttp, request, startUpstream, type Upstream } from '@spawner/testkit';
import { DOMAIN, DRONE, type ProxyWorld, serve, startProxyWorld } from './proxy-fixture.ts';

let world: ProxyWorld;
let red: Upstream;
let blue: Upstream;

beforeAll(async () => {
  world = await startProxyWorld({ SPAWNER_PROXY_HOLD_TIMEOUT_MS: '1500' });
  red = await startUpstream({ hello: 'Hello World!' });
  blue = await startUpstream({ hello: 'I am blue' });
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await red?.stop();
  await blue?.stop();
});

/** An answer whose body has only begun. */
function open(host: string, path: string): Promise<{ answer: IncomingMessage; leave: () => void }> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      host: '127.0.0.1',
      port: world.port,
      path,
      headers: { host },
      agent: false,
    });
    outgoing.on('error', reject);
    outgoing.on('response', (answer) => {
      answer.on('error', () => {});
      resolve({ answer, leave: () => outgoing.destroy() });
    });
    outgoing.end();
  });
}

describe('routing by host', () => {
  it('registers as a proxy with what DNS and the agents need', () => {
    expect(world.registered[0]).toMatchObject({
      kind: 2,
      id: 'proxy-1',
      droneId: DRONE,
      publicAddresses: ['192.0.2.7'],
    });
  });

  it.each(['foo.bar', `unknown.${DOMAIN}`, DOMAIN, `${'a'.repeat(26)}.${DOMAIN}`])(
    'P1: answers 404 for the unrecognized host %s',
    async (host) => {
      const answer = await world.get(host);
      expect(answer.status).toBe(404);
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(JSON.parse(answer.body)).toEqual({ code: 'NOT_FOUND', message: expect.any(String) });
    },
  );

  it('P2: forwards a simple request', async () => {
    const { host } = await world.backend(red);
    expect(await world.get(host)).toMatchObject({ status: 200, body: 'Hello World!' });
  });

  it('serves multiple subdomains, each with its own backend, on one kept-alive connection too', async () => {
    const [a, b] = [await world.backend(red), await world.backend(blue)];
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, at) => world.get((at % 2 ? b : a).host).then(({ body }) => body)),
    );
    expect(new Set(answers.filter((_, at) => at % 2 === 0))).toEqual(new Set(['Hello World!']));
    expect(new Set(answers.filter((_, at) => at % 2 === 1))).toEqual(new Set(['I am blue']));
    const ask = (host: string, last = '') => `GET / HTTP/1.1\r\nHost: ${host}\r\n${last}\r\n`;
    const both = await rawHttp(world.port, ask(a.host) + ask(b.host, 'Connection: close\r\n'));
    expect(both.indexOf('Hello World!')).toBeGreaterThan(0);
    expect(both.indexOf('I am blue')).toBeGreaterThan(both.indexOf('Hello World!'));
  });

  it('P3: gives the backend the Host header as it came, port included, in any case', async () => {
    const { id, host } = await world.backend(red);
    const seen = async (name: string) => JSON.parse((await world.get(name, '/headers')).body).headers.host;
    expect(await seen(host)).toBe(host);
    expect(await seen(`${host}:8000`)).toBe(`${host}:8000`);
    expect(await seen(`${id}.MyDomain.TEST`)).toBe(`${id}.MyDomain.TEST`);
  });

  it('chooses the local address on its own drone, the network address elsewhere, and 503 where there is neither', async () => {
    const [own, other, hidden] = [world.name(), world.name(), world.name()];
    const at = (port: number) => ({ host: '127.0.0.1', port });
    const base = { state: RouteState.OPEN, backendState: BackendState.READY };
    await world.route(own.id, { ...base, local: at(red.port), network: at(blue.port) });
    await world.route(other.id, { ...base, droneId: 'drone-2', local: at(red.port), network: at(blue.port) });
    await world.route(hidden.id, { ...base, droneId: 'drone-2', local: at(red.port) });
    await eventually(async () => (await world.get(hidden.host)).status === 503);
    expect((await world.get(own.host)).body).toBe('Hello World!');
    expect((await world.get(other.host)).body).toBe('I am blue');
    expect((await world.get(hidden.host)).headers['retry-after']).toBe('1');
  });
});

describe('header hygiene', () => {
  const spoofed = {
    'x-forwarded-for': '6.6.6.6',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'evil',
    forwarded: 'for=6.6.6.6',
    'x-real-ip': '6.6.6.6',
    'x-spawner-user': 'admin',
    x_spawner_user: 'admin',
    'x-spawner-backend': 'evil',
    'proxy-authorization': 'Basic secret',
    te: 'trailers',
    'keep-alive': 'timeout=5',
    'x-named': 'yes',
    'x-kept': 'yes',
    connection: 'keep-alive, x-named, x-forwarded-for, host, x-spawner-backend',
  };

  it('tells the backend who is calling and lets no client say it', async () => {
    const { id, host } = await world.backend(red);
    const { headers } = JSON.parse((await world.get(host, '/headers', spoofed)).body);
    expect(headers).toMatchObject({
      host,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': host,
      'x-forwarded-port': host.split(':')[1] ?? '80',
      'x-spawner-backend': id,
      'x-kept': 'yes',
    });
    for (const name of [
      'x-real-ip',
      'x-spawner-user',
      'x_spawner_user',
      'proxy-authorization',
      'te',
      'x-named',
    ])
      expect(headers).not.toHaveProperty(name);
    expect(JSON.stringify(headers)).not.toMatch(/6\.6\.6\.6|evil|admin|secret/);
  });

  it("keeps a backend's cookies of its own, and drops those for its siblings and what is for one hop", async () => {
    await using server = await serve(
      createHttpServer((_req, res) => {
        res.writeHead(200, {
          'Set-Cookie': [
            'own=1; Path=/',
            `wide=1; Domain=.${DOMAIN}`,
            `Wide2=1; path=/; DOMAIN=${DOMAIN.toUpperCase()}`,
            'parent=1; Domain=test',
          ],
          Connection: 'keep-alive, X-Hop',
          'X-Hop': '1',
          'Keep-Alive': 'timeout=99',
          'Proxy-Authenticate': 'Basic',
          'X-End': '1',
        });
        res.end('ok');
      }),
    );
    const { host } = await world.backend(server);
    const { headers } = await world.get(host);
    expect(headers['set-cookie']).toEqual(['own=1; Path=/']);
    expect(headers['x-end']).toBe('1');
    expect(headers).not.toHaveProperty('x-hop');
    expect(headers).not.toHaveProperty('proxy-authenticate');
    expect(headers['keep-alive']).not.toBe('timeout=99');
  });

  it.each([
    ['two Host headers', (host: string) => `GET / HTTP/1.1\r\nHost: ${host}\r\nHost: ${host}\r\n\r\n`],
    [
      'another host in the request line',
      (host: string) => `GET http://evil/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    ],
    [
      'a coding that is not chunked',
      (host: string) =>
        `POST / HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    ],
    [
      'a length beside chunked',
      (host: string) =>
        `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    [
      'an upgrade with a body',
      (host: string) =>
        `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc`,
    ],
  ])('refuses %s with 400', async (_what, head) => {
    const { host } = await world.backend(red);
    const before = red.seen.length;
    const answer = await rawHttp(world.port, head(host), { until: (text) => text.includes('\r\n\r\n') });
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(red.seen.length).toBe(before);
  });

  it('answers 431 to a head above 16 KiB', async () => {
    const { host } = await world.backend(red);
    const head = `GET / HTTP/1.1\r\nHost: ${host}\r\nX-Long: ${'a'.repeat(17_000)}\r\n\r\n`;
    expect(await rawHttp(world.port, head, { until: (text) => text.includes('\r\n\r\n') })).toMatch(/ 431 /);
  });

  it('takes the absolute form when it names the same host, and ignores other upgrades', async () => {
    const { host } = await world.backend(red);
    const head = `GET http://${host}/name?x=1 HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n`;
    expect(await rawHttp(world.port, head)).toMatch(/^HTTP\/1\.1 200 [\s\S]*Hello World!$/);
    expect(red.seen.at(-1)).toBe('GET /name?x=1');
  });

  it('turns a chunked DELETE into exactly one request', async () => {
    const { host } = await world.backend(red);
    const inner = `GET /smuggled HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    const chunk = `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`;
    await rawHttp(
      world.port,
      `DELETE /echo HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n${chunk}`,
    );
    await world.get(host, '/after');
    expect(red.seen.slice(-2)).toEqual(['DELETE /echo', 'GET /after']);
  });
});

describe('bodies', () => {
  it('carries 1 MiB up and down unharmed, with a length and chunked', async () => {
    const { host } = await world.backend(red);
    const body = randomBytes(1 << 20);
    const hash = createHash('sha256').update(body).digest('hex');
    for (const headers of [{ 'content-length': String(body.length) }, { 'transfer-encoding': 'chunked' }]) {
      const answer = await request({ port: world.port, host, path: '/echo', method: 'POST', headers, body });
      expect(createHash('sha256').update(answer.bytes).digest('hex')).toBe(hash);
    }
  });

  it('asks for the body (100 Continue) only where it has somewhere to go', async () => {
    const head = (host: string) =>
      `POST /echo HTTP/1.1\r\nHost: ${host}\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n`;
    const { host } = await world.backend(red);
    const known = await rawHttp(world.port, `${head(host)}ok`);
    expect(known).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK[\s\S]*ok\r\n0\r\n\r\n$/);
    expect(
      await rawHttp(world.port, head('foo.bar'), { until: (text) => text.includes('\r\n\r\n') }),
    ).toMatch(/^HTTP\/1\.1 404/);
  });

  it('passes server-sent events on one by one', async () => {
    const { host } = await world.backend(red);
    const { answer, leave } = await open(host, '/sse?ms=30');
    let text = '';
    answer.on('data', (chunk) => {
      text += chunk;
    });
    await eventually(() => text.includes('event 3'));
    leave();
  });

  it('sends the head of an answer whose body is still to come', async () => {
    await using server = await serve(
      createHttpServer((_req, res) => res.writeHead(200, { 'X-Early': '1' }).flushHeaders()),
    );
    const { id, host } = world.name();
    await world.ready(id, server.port);
    await eventually(async () => (await world.settle(id)).open === 0);
    const { answer, leave } = (await eventually(async () => {
      const opened = await open(host, '/');
      return opened.answer.statusCode === 200 ? opened : false;
    })) as Awaited<ReturnType<typeof open>>;
    expect(answer.headers['x-early']).toBe('1');
    leave();
  });

  it('ends the exchange with the backend when the client leaves', async () => {
    const { id, host } = await world.backend(blue);
    const { leave } = await open(host, '/sse?ms=1000');
    expect((await world.settle(id)).open).toBe(1);
    leave();
    await eventually(async () => (await world.settle(id)).open === 0);
    await eventually(() => blue.connections() === 0);
  });

  it('cuts the answer short, not clean, when the backend breaks off', async () => {
    const { host } = await world.backend(blue);
    const { answer } = await open(host, '/download?bytes=100000&ms=20000');
    const ended = new Promise<boolean>((resolve) => answer.once('close', () => resolve(answer.complete)));
    answer.resume();
    blue.cut();
    expect(await ended).toBe(false);
  });

  it('repeats a GET whose kept-alive connection the backend had closed', async () => {
    let connections = 0;
    // Closes its end once it has answered, without a word.
    await using server = await serve(
      createServer((socket) => {
        connections += 1;
        let requests = 0;
        socket.on('data', () => {
          requests += 1;
          if (requests === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
          else socket.destroy();
        });
      }),
    );
    const { host } = await world.backend(server);
    for (let turn = 0; turn < 5; turn++) expect((await world.get(host)).status).toBe(200);
    expect(connections).toBeGreaterThan(2);
  });
});
