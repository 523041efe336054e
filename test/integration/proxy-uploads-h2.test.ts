import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Authority, eventually, makeAuthority, request } from '@spawner/testkit';
import { DOMAIN, type ProxyWorld, serve, startProxyWorld } from './proxy-fixture.ts';

jest.setTimeout(30_000);

let world: ProxyWorld;
let authority: Authority;

beforeAll(async () => {
  world = await startProxyWorld({
    SPAWNER_PROXY_HTTPS: 'true',
    SPAWNER_PROXY_REDIRECT_TO_HTTPS: 'false',
    SPAWNER_PROXY_BODY_TIMEOUT_MS: '400',
  });
  authority = await makeAuthority('root');
  const ca = authority.caPem;
  world.certify(await authority.issue([`*.${DOMAIN}`]));
  const tls = { ca };
  const { host } = world.name();
  await eventually(() =>
    request({ port: world.httpsPort, host, tls }).then(
      () => true,
      () => false,
    ),
  );
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await authority?.stop();
});

/** A backend that has this to say to a POST, and reads it only where told to. */
async function backend(says: string | undefined, { reads = true } = {}) {
  const open = new Set<Socket>();
  const server = await serve(
    createServer((socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      socket.once('data', (head) => {
        if (!String(head).startsWith('POST')) socket.end('HTTP/1.1 204 No Content\r\n\r\n');
        else if (says !== undefined) socket.write(says);
        if (!reads) socket.pause();
        else socket.resume();
      });
    }),
  );
  const { id, host } = await world.backend(server);
  return { id, host, server, open };
}

async function session(host: string): Promise<ClientHttp2Session> {
  const tls = { servername: host, ca: authority.caPem, ALPNProtocols: ['h2'] };
  const socket = connectTls({ port: world.httpsPort, host: '127.0.0.1', ...tls });
  await once(socket, 'secureConnect');
  return connectHttp2(`https://${host}`, { createConnection: () => socket });
}

/** An upload that is begun and never ends. */
function upload(client: ClientHttp2Session, host: string, bytes: number): ClientHttp2Stream {
  const stream = client.request(
    { ':method': 'POST', ':path': '/', ':authority': host },
    { endStream: false },
  );
  stream.on('error', () => {});
  stream.write(Buffer.alloc(bytes));
  return stream;
}

async function whole(stream: ClientHttp2Stream): Promise<{ status: unknown; bytes: number }> {
  const [head] = await once(stream, 'response');
  let bytes = 0;
  for await (const chunk of stream) bytes += chunk.length;
  return { status: head[':status'], bytes };
}

const LENGTH = 300_000;
const ANSWER = `HTTP/1.1 413 Too Large\r\nContent-Length: ${LENGTH}\r\n\r\n${'x'.repeat(LENGTH)}`;
const BEGUN = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n';

describe('an upload over HTTP/2 that never ends', () => {
  it.each([
    ['a backend that reads it', { reads: true }, 10],
    ['a backend that does not', { reads: false }, 60_000],
  ])('is 408 and over for %s when it falls silent', async (_what, reading, bytes) => {
    const { id, host, server, open } = await backend(undefined, reading);
    const client = await session(host);
    expect((await whole(upload(client, host, bytes))).status).toBe(408);
    await eventually(async () => (await world.settle(id)).open === 0);
    // A client that does not read sees no end.
    for (const socket of open) socket.resume();
    await eventually(() => open.size === 0);
    client.destroy();
    await server[Symbol.asyncDispose]();
  });

  it('is over with an answer that came before its end, and the answer is whole', async () => {
    const { id, host, server } = await backend(ANSWER);
    const client = await session(host);
    expect(await whole(upload(client, host, 10))).toEqual({ status: 413, bytes: LENGTH });
    await eventually(async () => (await world.settle(id)).open === 0);
    client.destroy();
    await server[Symbol.asyncDispose]();
  });

  it('is cut when it falls silent after the answer has begun', async () => {
    const { id, host, server, open } = await backend(BEGUN);
    const client = await session(host);
    const stream = upload(client, host, 10);
    await once(stream, 'data');
    await eventually(async () => (await world.settle(id)).open === 0);
    expect(stream.rstCode).toBe(8);
    await eventually(() => open.size === 0);
    client.destroy();
    await server[Symbol.asyncDispose]();
  });
});
