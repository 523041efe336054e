/** WebSockets over HTTP/2 (RFC 8441), by streams of our own and by Chromium. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingHttpHeaders } from 'node:http';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders as Http2Headers } from 'node:http2';
import type { Socket as NetSocket } from 'node:net';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import {
  type Authority,
  eventually,
  freePort,
  makeAuthority,
  quietNetworkFor,
  startRelay,
  startUpstream,
  type Upstream,
} from '@spawner/testkit';
import { chromium } from 'playwright-core';
import { closing, encode, FrameReader, OPCODE, type ReadFrame } from '../conformance/websocket/frame.ts';
import { http2Session } from '../conformance/websocket/routes.ts';
import { DOMAIN, type ProxyWorld, serve, startProxyWorld } from './proxy-fixture.ts';

let world: ProxyWorld;
let authority: Authority;
let upstream: Upstream;
let session: ClientHttp2Session;

beforeAll(async () => {
  world = await startProxyWorld({
    SPAWNER_PROXY_HTTPS: 'true',
    SPAWNER_PROXY_REDIRECT_TO_HTTPS: 'false',
    SPAWNER_PROXY_HOLD_TIMEOUT_MS: '5000',
    SPAWNER_PROXY_CONNECT_TIMEOUT_MS: '1000',
  });
  authority = await makeAuthority('h2 root');
  upstream = await startUpstream();
  world.certify(await authority.issue([`*.${DOMAIN}`]));
  const { host } = await world.backend(upstream);
  await eventually(async () => {
    session = await http2Session(world.httpsPort, host, authority.caPem);
    return true;
  });
});
afterAll(async () => {
  session?.destroy();
  await world?.[Symbol.asyncDispose]();
  await upstream?.stop();
  await authority?.stop();
});

/** An extended CONNECT to this host. */
function ask(host: string, more: Record<string, string> = {}): ClientHttp2Stream {
  const stream = session.request(
    {
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':scheme': 'https',
      ':path': '/ws?a=b',
      ':authority': host,
      'sec-websocket-version': '13',
      ...more,
    },
    { endStream: false },
  );
  stream.on('error', () => {});
  return stream;
}

interface Socket {
  stream: ClientHttp2Stream;
  head: Http2Headers;
  frames: ReadFrame[];
}

async function open(host: string, more: Record<string, string> = {}): Promise<Socket> {
  const stream = ask(host, more);
  const [head] = await once(stream, 'response');
  const reader = new FrameReader();
  const frames: ReadFrame[] = [];
  stream.on('data', (piece: Buffer) => frames.push(...reader.push(piece)));
  return { stream, head, frames };
}

async function refusal(stream: ClientHttp2Stream) {
  const [head] = await once(stream, 'response');
  let body = '';
  for await (const piece of stream) body += piece;
  return { status: head[':status'], head, body };
}

/** A backend that answers every handshake with these bytes. */
function answering(bytes: string, see: (headers: IncomingHttpHeaders) => void = () => {}) {
  const server = createHttpServer((_req, res) => res.end());
  server.on('upgrade', (req, socket) => {
    see(req.headers);
    socket.end(bytes);
  });
  return serve(server);
}

/** A backend that accepts every handshake and then does as the test says. */
function accepting(then: (socket: NetSocket) => void) {
  const server = createHttpServer((_req, res) => res.end());
  server.on('upgrade', (req, socket: NetSocket) => {
    const key = `${req.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    socket.write(
      `HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.on('error', () => {});
    then(socket);
  });
  return serve(server);
}

const openCount = async (id: string) => (await world.settle(id)).open;

describe('WebSockets over HTTP/2', () => {
  it('carry messages both ways, several on one session, and count as open until they close', async () => {
    const { id, host } = await world.backend(upstream);
    const sockets = await Promise.all([open(host), open(host), open(host)]);
    expect(sockets.map(({ head }) => head[':status'])).toEqual([200, 200, 200]);
    for (const [n, { stream }] of sockets.entries())
      stream.write(encode({ opcode: OPCODE.text, payload: `no. ${n}` }));
    await eventually(() => sockets.every(({ frames }) => frames.length === 1));
    expect(sockets.map(({ frames }) => frames[0]?.payload.toString())).toEqual([
      'echo: no. 0',
      'echo: no. 1',
      'echo: no. 2',
    ]);
    expect(await openCount(id)).toBe(3);
    for (const { stream } of sockets) stream.write(encode({ opcode: OPCODE.close, payload: closing(1000) }));
    await eventually(() => sockets.every(({ frames }) => frames.at(-1)?.opcode === OPCODE.close));
    for (const { stream } of sockets) stream.end();
    await eventually(async () => (await openCount(id)) === 0);
  });

  it('show the backend one clean handshake with a key of its own, and the client nothing of that', async () => {
    let seen: IncomingHttpHeaders = {};
    await using backend = await answering('HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n', (headers) => {
      seen = headers;
    });
    const { id, host } = await world.backend(backend);
    const stream = ask(host, {
      'x-forwarded-for': '6.6.6.6',
      'x-spawner-user': 'admin',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-protocol': 'chat',
      cookie: 'a=1',
    });
    await refusal(stream);
    expect(seen).toMatchObject({
      host,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-spawner-backend': id,
      'sec-websocket-protocol': 'chat',
      'sec-websocket-version': '13',
      cookie: 'a=1',
    });
    expect(Buffer.from(seen['sec-websocket-key'] ?? '', 'base64')).toHaveLength(16);
    expect(seen['sec-websocket-key']).not.toBe('dGhlIHNhbXBsZSBub25jZQ==');
    expect(Object.keys(seen).filter((name) => name.startsWith(':') || name === 'x-spawner-user')).toEqual([]);
    const { head, stream: good } = await open((await world.backend(upstream)).host);
    expect(
      Object.keys(head).filter((name) => /^(?:connection|upgrade|sec-websocket-accept)$/.test(name)),
    ).toEqual([]);
    good.close();
  });

  it('come back whole when refused', async () => {
    await using backend = await answering(
      'HTTP/1.1 418 Teapot\r\nX-Why: because\r\nSet-Cookie: wide=1; Domain=mydomain.test\r\n' +
        'Transfer-Encoding: chunked\r\n\r\n4\r\nnot \r\n5\r\ntoday\r\n0\r\n\r\n',
    );
    const { id, host } = await world.backend(backend);
    const { status, head, body } = await refusal(ask(host));
    expect({ status, why: head['x-why'], body }).toEqual({ status: 418, why: 'because', body: 'not today' });
    expect(head).not.toHaveProperty('set-cookie');
    await eventually(async () => (await openCount(id)) === 0);
  });

  it.each([
    ['a success that is no switch', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['a status that HTTP/2 does not have', 'HTTP/1.1 999 No\r\nContent-Length: 2\r\n\r\nno'],
    [
      'a switch with the accept of another key',
      'HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
    ],
    ['a switch to another protocol', 'HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'],
  ])('are answered 502 after %s', async (_what, bytes) => {
    await using backend = await answering(bytes);
    const { id, host } = await world.backend(backend);
    const { status, body } = await refusal(ask(host));
    expect({ status, code: JSON.parse(body).code }).toEqual({ status: 502, code: 'INTERNAL' });
    await eventually(async () => (await openCount(id)) === 0);
  });

  it.each([404, 410, 502, 503])('are answered %i where there is nothing to open', async (status) => {
    const { id, host } = world.name();
    if (status === 410) await world.ended(id, BackendState.TERMINATED, EndReason.EXITED);
    if (status === 502) await world.ready(id, await freePort());
    if (status === 503) await world.starting(id);
    if (status !== 404)
      await eventually(async () => (await world.get(host, '/', { prefer: 'wait=0' })).status === status);
    const answer = await refusal(ask(host));
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toMatchObject({ code: expect.any(String) });
  });

  it('are held until their backend is ready', async () => {
    const { id, host } = await world.startingBackend();
    const opening = open(host);
    await eventually(async () => (await openCount(id)) === 1);
    await world.ready(id, upstream.port);
    const { head, stream } = await opening;
    expect(head[':status']).toBe(200);
    stream.close();
  });

  it.each([
    ['a CONNECT to anywhere', { ':method': 'CONNECT', ':authority': 'example.org:443' }],
    [
      'another protocol',
      {
        ':method': 'CONNECT',
        ':protocol': 'connect-udp',
        ':scheme': 'https',
        ':path': '/',
        ':authority': 'a.b',
      },
    ],
  ])('are all that is tunnelled: %s is answered 501', async (_what, headers) => {
    expect((await refusal(session.request(headers, { endStream: false }))).status).toBe(501);
  });

  it('get 1001 between two frames when their backend ends, and are cut when it is gone', async () => {
    const frame = Buffer.concat([Buffer.from([0x82, 126, 0, 200]), Buffer.alloc(200, 7)]);
    let say: (bytes: Buffer) => void = () => {};
    let heard = 0;
    await using backend = await accepting((socket) => {
      say = (bytes) => socket.write(bytes);
      socket.on('data', (bytes: Buffer) => {
        heard += bytes.length;
      });
    });
    const { id, host } = await world.backend(backend);
    const { stream, frames } = await open(host);
    say(frame.subarray(0, 100));
    stream.write(encode({ opcode: OPCODE.ping }));
    await eventually(() => heard > 0);
    await world.ended(id, BackendState.TERMINATING, EndReason.IDLE);
    await eventually(async () => (await world.get(host)).status === 410);
    expect(frames).toEqual([]);
    say(Buffer.concat([frame.subarray(100), frame]));
    await eventually(() => frames.length === 2);
    expect(frames.map(({ opcode }) => opcode)).toEqual([OPCODE.binary, OPCODE.close]);
    expect(frames[1]?.payload.readUInt16BE(0)).toBe(1001);
    const over = once(stream, 'close');
    await world.ended(id, BackendState.TERMINATED, EndReason.IDLE);
    await over;
  });

  it('break on one side when they break on the other', async () => {
    const closed: string[] = [];
    let reset: () => void = () => {};
    await using backend = await accepting((socket) => {
      reset = () => socket.resetAndDestroy();
      socket
        .on('close', () => closed.push('closed'))
        .on('end', () => socket.end())
        .resume();
    });
    const { id, host } = await world.backend(backend);
    const one = await open(host);
    const over = once(one.stream, 'close');
    reset();
    await over;
    expect(one.stream.rstCode).toBe(8);
    const two = await open(host);
    two.stream.close(8);
    await eventually(() => closed.length === 2);
    await eventually(async () => (await openCount(id)) === 0);
  });

  it('hold the backend back while the client does not read, and the client while the backend does not', async () => {
    let sent = 0;
    let pausing: { pause(): void } | undefined;
    await using backend = await accepting((socket) => {
      pausing = socket;
      const piece = Buffer.alloc(65_536);
      const fill = () => {
        do sent += piece.length;
        while (!socket.destroyed && sent < 512 << 20 && socket.write(piece));
      };
      socket.on('drain', fill);
      fill();
    });
    const { host } = await world.backend(backend);
    const stream = ask(host);
    await once(stream, 'response');
    await stands(() => sent);
    expect(sent).toBeLessThan(64 << 20);
    pausing?.pause();
    let taken = 0;
    const write = () => {
      do taken += 65_536;
      while (!stream.destroyed && taken < 512 << 20 && stream.write(Buffer.alloc(65_536)));
    };
    stream.on('drain', write);
    write();
    await stands(() => taken);
    expect(taken).toBeLessThan(64 << 20);
    stream.close(8);
  });

  it('are opened by a browser on the one connection that it has', async () => {
    const { host } = await world.backend(upstream);
    await using network = await quietNetworkFor('/usr/bin/chromium');
    const { executablePath, hostAddress } = network;
    await using relay = await startRelay(world.httpsPort, hostAddress);
    const browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', `--host-resolver-rules=MAP * ${hostAddress}`, '--ignore-certificate-errors'],
    });
    try {
      const page = await browser.newPage();
      await page.goto(`https://${host}:${relay.port}/`);
      const echoes = await page.evaluate(talk, { url: `wss://${host}:${relay.port}/ws`, count: 20 });
      expect(echoes).toEqual(Array.from({ length: 20 }, (_, n) => `echo: ${n} ${1 << 16}`));
      expect(relay.connections()).toBe(1);
    } finally {
      await browser.close();
    }
  });
});

/** Runs in the browser: opens so many sockets, and has 64 KiB echoed by each while all are open. */
async function talk({ url, count }: { url: string; count: number }): Promise<string[]> {
  const opened = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<WebSocket>((resolve, reject) => {
          const socket = new WebSocket(url);
          socket.onopen = () => resolve(socket);
          socket.onclose = ({ code }) => reject(new Error(`not opened, but closed with ${code}`));
        }),
    ),
  );
  return Promise.all(
    opened.map(
      (socket, n) =>
        new Promise<string>((resolve, reject) => {
          socket.onclose = ({ code }) => reject(new Error(`closed with ${code}`));
          socket.onmessage = ({ data }) => {
            const [echo, said, filling] = String(data).split(' ');
            resolve(`${echo} ${said} ${filling?.length}`);
            socket.close();
          };
          socket.send(`${n} ${'x'.repeat(1 << 16)}`);
        }),
    ),
  );
}

/** Resolves when the number has not changed for half a second. */
async function stands(count: () => number): Promise<void> {
  let last = -1;
  let since = performance.now();
  await eventually(
    () => {
      if (count() !== last) since = performance.now();
      last = count();
      return performance.now() - since > 500;
    },
    { timeoutMs: 60_000 },
  );
}
