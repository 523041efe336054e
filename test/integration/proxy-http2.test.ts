import { once } from 'node:events';
import { createServer } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect, createServer as createRelay, type Socket } from 'node:net';
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
  });
  authority = await makeAuthority('root');
  world.certify(await authority.issue([`*.${DOMAIN}`]));
  const { host } = world.name();
  await eventually(() =>
    request({ port: world.httpsPort, host, tls: { ca: authority.caPem } }).then(
      () => true,
      () => false,
    ),
  );
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await authority?.stop();
});

async function session(host: string, port = world.httpsPort): Promise<ClientHttp2Session> {
  const tls = { servername: host, ca: authority.caPem, ALPNProtocols: ['h2'] };
  const socket = connectTls({ port, host: '127.0.0.1', ...tls });
  await once(socket, 'secureConnect');
  return connectHttp2(`https://${host}`, { createConnection: () => socket });
}

type Fields = Record<string, string | string[]>;

async function ask(client: ClientHttp2Session, host: string, fields: Fields) {
  const stream = client.request({ ':path': '/', ':authority': host, ...fields });
  const [head] = await once(stream, 'response');
  let body = '';
  for await (const chunk of stream) body += chunk;
  return { status: head[':status'], body };
}

describe('a head over HTTP/2', () => {
  const serving = async () => {
    const server = await serve(createServer((req, res) => res.end(req.headers.cookie ?? '')));
    const { host } = await world.backend(server);
    return { host, server, client: await session(host) };
  };

  it.each([1, 125, 180, 400])(
    'may have %i fields of cookies, which the backend gets as one',
    async (count) => {
      const { host, server, client } = await serving();
      const cookie = Array.from({ length: count }, (_, at) => `a${at}=1`);
      expect(await ask(client, host, { cookie })).toEqual({ status: 200, body: cookie.join('; ') });
      client.destroy();
      await server[Symbol.asyncDispose]();
    },
  );

  it.each([
    [200, 15_900],
    [431, 16_400],
    [431, 60_000],
  ])('is answered with %i if a field has %i bytes, and the session continues', async (status, bytes) => {
    const { host, server, client } = await serving();
    expect((await ask(client, host, { 'x-long': 'x'.repeat(bytes) })).status).toBe(status);
    expect((await ask(client, host, {})).status).toBe(200);
    client.destroy();
    await server[Symbol.asyncDispose]();
  });

  it('counts cookies in many fields as in one, on both sides of the limit', async () => {
    const { host, server, client } = await serving();
    // Each has 80 bytes with its separator, and the rest of the head has less than 200.
    const cookies = (count: number) =>
      Array.from({ length: count }, (_, at) => `${String(at).padStart(4, 'c')}=${'v'.repeat(73)}`);
    expect((await ask(client, host, { cookie: cookies(201) })).status).toBe(200);
    expect((await ask(client, host, { cookie: cookies(206) })).status).toBe(431);
    client.destroy();
    await server[Symbol.asyncDispose]();
  });
});

/** A port that leads to another one, with every byte this much later each way. It has no bound, so it costs no round trips. */
async function delayed(target: number, ms: number) {
  const pass = (from: Socket, to: Socket) => {
    from.on('error', () => {}).on('data', (bytes) => setTimeout(() => to.write(bytes), ms));
    from.on('close', () => to.destroy());
  };
  return serve(
    createRelay((near) => {
      const far = connect(target, '127.0.0.1');
      pass(near.setNoDelay(), far.setNoDelay());
      pass(far, near);
    }),
  );
}

describe('an upload over HTTP/2', () => {
  it('has windows of at least 1 MiB once its backend takes it, for a stream and for the session', async () => {
    const server = await serve(createServer((req, res) => req.resume().once('end', () => res.end())));
    const { host } = await world.backend(server);
    const client = await session(host);
    await ask(client, host, {});
    const before = client.remoteSettings.initialWindowSize;
    const upload = client.request({ ':method': 'POST', ':path': '/', ':authority': host });
    upload.write('some of it');
    await eventually(() => expect(client.remoteSettings.initialWindowSize).toBeGreaterThanOrEqual(1_048_576));
    expect(before).toBeLessThan(1_048_576);
    await eventually(() => expect(client.state.remoteWindowSize).toBeGreaterThanOrEqual(1_048_576));
    client.destroy();
    await server[Symbol.asyncDispose]();
  });

  it('takes few round trips: 20 MB at 50 ms in less than the 15 s of a window of 64 KiB', async () => {
    const server = await serve(createServer((req, res) => req.resume().once('end', () => res.end('whole'))));
    const { host } = await world.backend(server);
    const relay = await delayed(world.httpsPort, 25);
    const client = await session(host, relay.port);
    const begun = performance.now();
    const stream = client.request({ ':method': 'POST', ':path': '/', ':authority': host });
    stream.end(Buffer.alloc(20_000_000));
    const [head] = await once(stream, 'response');
    expect(head[':status']).toBe(200);
    expect(performance.now() - begun).toBeLessThan(12_000);
    client.destroy();
    for (const each of [relay, server]) await each[Symbol.asyncDispose]();
  });
});

describe('answers over HTTP/2 that their client does not read', () => {
  it('do not shut out another request of the session, with 249 of them', async () => {
    const body = Buffer.alloc(1_000_000);
    const server = await serve(createServer((req, res) => res.end(req.url === '/long' ? body : 'short')));
    const { host } = await world.backend(server);
    const client = await session(host);
    const slow = Array.from({ length: 249 }, () =>
      client.request({ ':path': '/long', ':authority': host }).on('error', () => {}),
    );
    await Promise.all(slow.map((stream) => once(stream, 'response')));
    for (let turn = 0; turn < 20; turn++)
      expect(await ask(client, host, {})).toEqual({ status: 200, body: 'short' });
    expect(slow.filter((stream) => stream.destroyed)).toEqual([]);
    client.destroy();
    await server[Symbol.asyncDispose]();
  });
});
