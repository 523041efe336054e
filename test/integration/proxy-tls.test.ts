import { once } from 'node:events';
import { request as httpRequest, type RequestOptions } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp, createServer } from 'node:net';
import { connect as connectTls } from 'node:tls';
import {
  type Authority,
  eventually,
  expectComplaint,
  makeAuthority,
  rawHttp,
  request,
  startUpstream,
  type Upstream,
} from '@spawner/testkit';
import { WebSocket } from 'ws';
import { DOMAIN, type ProxyWorld, serve, startProxyWorld } from './proxy-fixture.ts';

let world: ProxyWorld;
let old: Authority;
let fresh: Authority;
let red: Upstream;
let blue: Upstream;

beforeAll(async () => {
  world = await startProxyWorld({
    SPAWNER_PROXY_HTTPS: 'true',
    SPAWNER_PROXY_TRUSTED_ADDRESSES: '127.0.0.2',
  });
  old = await makeAuthority('old root');
  fresh = await makeAuthority('fresh root');
  red = await startUpstream();
  blue = await startUpstream({ hello: 'I am blue' });
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await Promise.all([red?.stop(), blue?.stop(), old?.stop(), fresh?.stop()]);
});

async function backend(upstream: { port: number }): Promise<string> {
  const { id, host } = world.name();
  await world.ready(id, upstream.port);
  await eventually(async () => !(await plain(host, '127.0.0.2')).startsWith('404'));
  return host;
}

/** By plain HTTP from this address of ours, as a load balancer sends what came to it by HTTPS: status and body. */
function plain(
  host: string,
  localAddress: string,
  told: Record<string, string> = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '198.51.100.9' },
): Promise<string> {
  const headers = { host, ...told };
  const options = {
    host: '127.0.0.1',
    port: world.port,
    path: '/headers',
    localAddress,
    headers,
    agent: false,
  };
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(options as RequestOptions, (answer) => {
      let text = String(answer.statusCode);
      answer.on('data', (chunk) => {
        text += chunk;
      });
      answer.on('end', () => resolve(text));
      answer.on('error', () => resolve(`${text} aborted`));
    });
    outgoing.on('error', reject).end();
  });
}

const get = (host: string, ca: string, path = '/') =>
  request({ port: world.httpsPort, host, path, tls: { ca } });

/** HTTP/2 to the proxy as if `host` resolved to it. */
function session(host: string): Promise<ClientHttp2Session> {
  const socket = connectTls({
    port: world.httpsPort,
    host: '127.0.0.1',
    servername: host,
    ca: fresh.caPem,
    ALPNProtocols: ['h2'],
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('secureConnect', () =>
      resolve(connectHttp2(`https://${host}`, { createConnection: () => socket })),
    );
  });
}

async function ask(client: ClientHttp2Session, headers: Record<string, string>, body?: string) {
  const stream = client.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  const [head] = await once(stream, 'response');
  let text = '';
  for await (const chunk of stream) text += chunk;
  return { status: head[':status'], headers: head, body: text };
}

describe('HTTPS', () => {
  it('P8: takes a certificate that comes after the start; until then handshakes fail and HTTP redirects', async () => {
    const host = await backend(red);
    await expect(get(host, old.caPem)).rejects.toThrow();
    const answer = await request({
      port: world.port,
      host: `${host}:${world.port}`,
      path: '/a?b=c',
      method: 'POST',
      body: 'x',
    });
    expect(answer.status).toBe(308);
    expect(answer.headers.location).toBe(`https://${host}:${world.httpsPort}/a?b=c`);
    expect((await request({ port: world.port, host: 'foo.bar' })).status).toBe(404);
    world.certify(await old.issue([`*.${DOMAIN}`]));
    await eventually(async () => (await get(host, old.caPem)).body === 'Hello World!');
  });

  it('P9: uses a changed certificate for the next connection, and keeps those that are open', async () => {
    const host = await backend(red);
    const open = new WebSocket(`wss://127.0.0.1:${world.httpsPort}`, {
      headers: { host },
      ca: old.caPem,
      // Falsy is no objection: the address is not in the certificate.
      checkServerIdentity: () => false,
    });
    await once(open, 'open');
    world.certify(await fresh.issue([`*.${DOMAIN}`]));
    await eventually(async () => (await get(host, fresh.caPem)).body === 'Hello World!');
    await expect(get(host, old.caPem)).rejects.toThrow();
    const answer = once(open, 'message');
    open.send('ok');
    expect((await answer)[0].toString()).toBe('echo: ok');
    open.close();
  });

  it('keeps the certificate it has when one comes whose key does not fit', async () => {
    expectComplaint(/proxy: a certificate cannot be used: .*key values mismatch/);
    const host = await backend(red);
    const [one, other] = [await fresh.issue([`*.${DOMAIN}`]), await fresh.issue([`*.${DOMAIN}`])];
    world.certify({ certPem: one.certPem, keyPem: other.keyPem });
    await eventually(() => world.proxy.output().includes('a certificate cannot be used'));
    expect((await get(host, fresh.caPem)).status).toBe(200);
  });

  it.each([
    [['http/1.1'], 'http/1.1'],
    [['h2', 'http/1.1'], 'h2'],
    [undefined, false],
  ])('agrees by ALPN: offered %j, taken %s', async (ALPNProtocols, agreed) => {
    const host = await backend(red);
    const socket = connectTls({
      port: world.httpsPort,
      host: '127.0.0.1',
      servername: host,
      ca: fresh.caPem,
      ...(ALPNProtocols ? { ALPNProtocols } : {}),
    });
    await once(socket, 'secureConnect');
    expect(socket.alpnProtocol).toBe(agreed);
    socket.destroy();
  });

  it.each([
    [undefined, 'TLS_AES_128_GCM_SHA256'],
    ['TLS_AES_256_GCM_SHA384', 'TLS_AES_256_GCM_SHA384'],
    ['TLS_CHACHA20_POLY1305_SHA256', 'TLS_CHACHA20_POLY1305_SHA256'],
    // The same choice in TLS 1.2.
    ['ECDHE-ECDSA-AES128-GCM-SHA256', 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'],
  ])('prefers the cheapest cipher: offered %s, taken %s', async (ciphers, taken) => {
    const host = await backend(red);
    const before13 = ciphers?.startsWith('ECDHE') ? { maxVersion: 'TLSv1.2' as const } : {};
    const socket = connectTls({
      ...{ port: world.httpsPort, host: '127.0.0.1', servername: host, ca: fresh.caPem },
      ...(ciphers ? { ciphers } : {}),
      ...before13,
    });
    await once(socket, 'secureConnect');
    expect(socket.getCipher().standardName).toBe(taken);
    socket.destroy();
  });

  it.each([
    'ECDHE-ECDSA-AES128-SHA256',
    'ECDHE-ECDSA-AES256-SHA',
    'ECDHE-ECDSA-AES128-CCM',
    'ECDHE-ARIA128-GCM-SHA256',
  ])('has no suite of TLS 1.2 but those of the intermediate guidelines: not %s', async (ciphers) => {
    const host = await backend(red);
    const tls = { port: world.httpsPort, host: '127.0.0.1', servername: host, ca: fresh.caPem };
    const socket = connectTls({ ...tls, ciphers, maxVersion: 'TLSv1.2' });
    const [error] = await once(socket, 'error');
    expect(error).toMatchObject({ code: expect.stringContaining('HANDSHAKE_FAILURE') });
  });

  it('P4: tells the backend that the client came by HTTPS', async () => {
    const host = await backend(red);
    const { headers } = JSON.parse((await get(host, fresh.caPem, '/headers')).body);
    expect(headers).toMatchObject({
      host,
      'x-forwarded-proto': 'https',
      'x-forwarded-port': host.split(':')[1] ?? '443',
    });
  });
});

describe('HTTP/2', () => {
  it('serves two backends on one session, each its own, and passes bodies', async () => {
    const [a, b] = [await backend(red), await backend(blue)];
    const client = await session(a);
    const answers = await Promise.all([
      ask(client, { ':path': '/', ':authority': a }),
      ask(client, { ':path': '/', ':authority': b }),
      ask(client, { ':path': '/echo', ':method': 'POST', ':authority': a }, 'a body'),
      ask(client, { ':path': '/', ':authority': 'foo.bar' }),
    ]);
    expect(answers.map(({ body }) => body).slice(0, 3)).toEqual(['Hello World!', 'I am blue', 'a body']);
    expect(answers[3]?.status).toBe(404);
    client.close();
  });

  it('gives the backend one clean request', async () => {
    const host = await backend(red);
    const client = await session(host);
    const { body } = await ask(client, {
      ':path': '/headers',
      ':authority': host,
      'x-forwarded-for': '6.6.6.6',
      te: 'trailers',
      cookie: 'a=1',
    });
    const seen = JSON.parse(body);
    expect(seen.headers).toMatchObject({
      host,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'https',
      cookie: 'a=1',
    });
    expect(Object.keys(seen.headers).filter((name) => name.startsWith(':') || name === 'te')).toEqual([]);
    client.close();
  });

  it('frames a body without a length, whatever the method', async () => {
    const host = await backend(red);
    const client = await session(host);
    const inner = `GET /smuggled HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    for (const method of ['DELETE', 'OPTIONS', 'GET', 'POST'])
      expect(
        (await ask(client, { ':path': '/echo', ':method': method, ':authority': host }, inner)).body,
      ).toBe(inner);
    expect(red.seen).not.toContain('GET /smuggled');
    client.close();
  });

  it('refuses a Host header beside another :authority', async () => {
    const [a, b] = [await backend(red), await backend(blue)];
    const client = await session(a);
    expect((await ask(client, { ':path': '/', ':authority': a, host: b })).status).toBe(400);
    client.close();
  });

  it('breaks the stream off where the backend breaks off', async () => {
    const server = createServer((socket) => {
      socket.on('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n');
        socket.end();
      });
    });
    await using upstream = await serve(server);
    const host = await backend(upstream);
    const client = await session(host);
    const answer = ask(client, { ':path': '/', ':authority': host });
    await expect(answer).rejects.toThrow(/NGHTTP2_INTERNAL_ERROR/);
    expect((await ask(client, { ':path': '/', ':authority': await backend(red) })).status).toBe(200);
    client.close();
  });

  it('answers 502 if the backend sends a status that HTTP/2 does not have, and continues to serve', async () => {
    const bytes = 'HTTP/1.1 999 Denied\r\nContent-Length: 4\r\n\r\nodd!';
    await using upstream = await serve(
      createServer((socket) => socket.on('data', () => socket.write(bytes))),
    );
    const host = await backend(upstream);
    const client = await session(host);
    const odd = await ask(client, { ':path': '/', ':authority': host });
    expect({ status: odd.status, body: odd.body }).toEqual({ status: 502, body: 'odd!' });
    expect((await ask(client, { ':path': '/', ':authority': await backend(red) })).status).toBe(200);
    client.close();
  });

  it('ends the exchange with the backend when the client gives the stream up', async () => {
    const upstream = await startUpstream();
    const host = await backend(upstream);
    const client = await session(host);
    const stream = client.request({ ':path': '/sse?ms=20', ':authority': host });
    stream.on('error', () => {});
    await once(stream, 'data');
    stream.close(8);
    await eventually(() => upstream.connections() === 0);
    client.close();
    await upstream.stop();
  });
});

it('answers plain HTTP on the port for HTTPS with 400, and cuts a client that stays', async () => {
  const bytes = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n';
  const answer = await rawHttp(world.httpsPort, bytes);
  expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(answer).toContain('This port takes HTTPS: the address must begin with https://.');
  const stays = connectTcp({ port: world.httpsPort, host: '127.0.0.1', allowHalfOpen: true });
  stays.on('error', () => {});
  stays.resume().write(bytes);
  await once(stays, 'end');
  await eventually(() => {
    if (!stays.destroyed) stays.write('x');
    return stays.destroyed;
  });
});

it('does not redirect what a trusted load balancer took by HTTPS, and believes whom it names', async () => {
  const host = await backend(red);
  expect(await plain(host, '127.0.0.3')).toBe('308');
  const trusted = await plain(host, '127.0.0.2');
  expect(trusted).toContain('"x-forwarded-for":"198.51.100.9, 127.0.0.2"');
  expect(trusted).toContain('"x-forwarded-proto":"https"');
  for (const [name, value] of [
    ['x-forwarded-proto', 'https, http'],
    ['forwarded', 'for=198.51.100.9;proto=https'],
  ] as const) {
    const told = { [name]: value };
    expect(await plain(host, '127.0.0.3', told)).toBe('308');
    expect(await plain(host, '127.0.0.2', told)).toContain('"x-forwarded-proto":"https"');
  }
});
