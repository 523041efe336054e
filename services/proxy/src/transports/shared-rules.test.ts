/** One rule, one file: each table of the edge decides for both transports. */
import { EventEmitter, once } from 'node:events';
import { Agent, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { createLog } from '@spawner/service';
import { crankedClock } from '@spawner/testkit';
import { addedHeaders, HEADER_RULES, requestHeaders } from '../edge/headers.ts';
import { REPLIES, type Reply } from '../edge/replies.ts';
import type { Forward } from '../edge/request.ts';
import { trustedAddresses } from '../edge/trusted-addresses.ts';
import { ActiveRequests } from '../routing/active-requests.ts';
import { Sessions } from '../routing/sessions.ts';
import { TIMEOUTS } from '../timeouts.ts';
import { http1Server } from './node/connection.ts';
import { NodeExchange } from './node/exchange.ts';
import { openExtended } from './node/extended-connect.ts';
import { HttpxyAdapter } from './node/httpxy-adapter.ts';
import { NodeRequest, type RequestKind } from './node/request-parser.ts';
import { readResponse as readNodeResponse } from './node/response-parser.ts';
import { NodeUpstreamPool } from './node/upstream-pool.ts';
import { RawConnection } from './raw/connection.ts';
import { RawExchange } from './raw/exchange.ts';
import { readRequest } from './raw/request-parser.ts';
import { readResponse as readRawResponse } from './raw/response-parser.ts';
import { RawTransport } from './raw/transport.ts';
import type { Upstream } from './raw/upstream.ts';
import { RawUpstreamPool } from './raw/upstream-pool.ts';

const DOMAIN = 'mydomain.test';
const ID = 'abcdefghijklmnopqrstuvwxyz';
const HOST = `${ID}.${DOMAIN}`;
const clock = crankedClock();
const restartHold = () => undefined;
const log = createLog('test', 'silent');
const dialling = { connectTimeoutMs: 60_000, connected: () => {} };
const peer = (trusted: boolean) => ({
  ...{ remoteAddress: '192.0.2.1', trusted, tls: false },
  connection: { once: () => {} },
});

/** Whether a response header reaches the client. */
const crossesBack = {
  raw: (name: string, value: string) => {
    const head = `HTTP/1.1 200 OK\r\n${name}: ${value}\r\nX-Last: 1\r\n`;
    return readRawResponse(head, false, DOMAIN)?.text.toLowerCase().includes(`\r\n${name}:`) === true;
  },
  node: (name: string, value: string) => {
    const headers = { [name]: name === 'set-cookie' ? [value] : value } as IncomingHttpHeaders;
    const answer = {
      headers,
      rawHeaders: [name, value],
      httpVersion: '1.1',
      statusCode: 200,
      statusMessage: '',
    };
    const read = readNodeResponse(answer, DOMAIN, 1);
    return read.objection === undefined && name in read.headers;
  },
};

/** Whether a request header reaches the backend with the client's value; undefined if the transport leaves the request alone. */
const crossesForth = {
  raw: (name: string, value: string, trusted: boolean) => {
    const head = `GET / HTTP/1.1\r\nHost: ${HOST}\r\n${name}: ${value}\r\nX-Last: 1\r\n`;
    const request = readRequest(head, peer(trusted));
    return request && (request.lines.includes(`${name}: ${value}`) || addedHeaders(request)[name] === value);
  },
  node: (name: string, value: string, trusted: boolean) => {
    const { headers, request } = nodeRequest('request', { [name]: value }, trusted);
    if (request.refusal) return undefined;
    return requestHeaders(headers, request, undefined)[name] === value;
  },
};

function nodeRequest(kind: RequestKind, more: IncomingHttpHeaders = {}, trusted = false) {
  const headers: IncomingHttpHeaders = { host: HOST, ...more };
  const rawHeaders = Object.entries(headers).flatMap(([name, value]) => [name, String(value)]);
  const socket = { remoteAddress: '192.0.2.1' };
  const req = { method: 'GET', url: '/', httpVersion: '1.1', headers, rawHeaders, socket };
  const trust = trustedAddresses(trusted ? ['192.0.2.1'] : []);
  const options = { clusterDomain: DOMAIN, maxHeaderBytes: 16_384, trust };
  return { headers, request: new NodeRequest(req as unknown as IncomingMessage, kind, options) };
}

function forwardTo(port: number): Forward {
  const active = new ActiveRequests(0).begin(ID, 'd');
  return { kind: 'forward', endpoint: { host: '127.0.0.1', port }, ownPort: port, droneId: 'd', active };
}

/** An exchange of Node's transport, whose reply resolves. */
function nodeExchange(port: number, backendFailed: () => Reply) {
  const { promise: replied, resolve } = Promise.withResolvers<Reply>();
  const client = { access: undefined, reply: resolve, closing: () => true, upgraded: () => {} };
  const metrics = { request: () => {}, firstByte: () => {} };
  const parts = { policy: { backendFailed, restartHold }, metrics, clock, clusterDomain: DOMAIN };
  const headers = { upgrade: 'websocket', 'sec-websocket-key': 'a2V5', 'sec-websocket-version': '13' };
  const { request } = nodeRequest('upgrade', headers);
  return { replied, exchange: new NodeExchange(parts, client, request, forwardTo(port)) };
}

describe('the table of header rules', () => {
  const values: Readonly<Record<string, string>> = { connection: 'keep-alive', upgrade: 'websocket' };

  // The raw transport forwards the framing as it came; httpxy frames the body again.
  const backNames = Object.keys(HEADER_RULES.response.names).filter((name) => name !== 'transfer-encoding');
  it.each([...backNames, 'x-other'])('decides for both whether a response may have %s', (name) => {
    const crosses = !['hop', 'drop'].includes(HEADER_RULES.response.names[name] ?? 'pass');
    const value = values[name] ?? '1';
    expect([crossesBack.raw(name, value), crossesBack.node(name, value)]).toEqual([crosses, crosses]);
  });

  const forthNames = [
    ...Object.keys(HEADER_RULES.request.names),
    'x-spawner-user',
    'x_spawner_user',
    'x-real-ip',
  ];
  it.each([...forthNames, 'x-forwarded-port', 'x-other'])(
    'decides for both whether a backend gets %s',
    (name) => {
      for (const trusted of [false, true]) {
        const value = values[name] ?? '1';
        const [raw, node] = [crossesForth.raw, crossesForth.node].map((crosses) =>
          crosses(name, value, trusted),
        );
        // The raw transport may leave a request to Node's, never read it otherwise.
        if (raw !== undefined) expect(raw).toBe(node);
      }
    },
  );

  it('is all that changes when a header is no longer to pass', () => {
    const { names } = HEADER_RULES.response as { names: Record<string, string> };
    names['x-internal'] = 'drop';
    expect([crossesBack.raw('x-internal', '1'), crossesBack.node('x-internal', '1')]).toEqual([false, false]);
    const { names: forth } = HEADER_RULES.request as { names: Record<string, string> };
    forth['x-internal'] = 'drop';
    expect(crossesForth.raw('x-internal', '1', true)).toBe(false);
    expect(crossesForth.node('x-internal', '1', true)).toBe(false);
  });
});

it('a refusal has one status, whichever transport writes it', async () => {
  const backendFailed = () => ({ ...REPLIES.badGateway(false), status: 577 });
  const upstreams = new RawUpstreamPool(dialling, clock, log);
  const metrics = {
    ...{ request() {}, firstByte() {}, upstreamFailed() {} },
    ...{ connectionRefused() {}, lineDropped() {} },
  };
  const raw = new RawTransport(
    {
      ...{ upstreams, metrics, clock, log, accessLog: undefined, sessions: new Sessions([upstreams]) },
      policy: { decideNow: () => undefined, backendFailed, restartHold },
    },
    {
      ...{
        clusterDomain: DOMAIN,
        maxHeaderBytes: 16_384,
        maxAnswerHeaderBytes: 65_536,
        headTimeoutMs: 1,
        bodyTimeoutMs: 1,
      },
      trust: trustedAddresses([]),
    },
  );
  const request = readRequest(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n`, peer(false));
  const failure = raw.failure({ request, decision: forwardTo(1), reached: false } as RawExchange, true);
  expect(failure).toMatch(/^HTTP\/1\.1 577 /);
  const { exchange, replied } = nodeExchange(1, backendFailed);
  exchange.failed();
  expect((await replied).status).toBe(577);
  await raw.close();
});

describe('the idle time of a client', () => {
  afterEach(() => jest.restoreAllMocks());

  it('is the same on both transports', () => {
    jest.replaceProperty(TIMEOUTS as { clientIdle: number }, 'clientIdle', 4_321);
    const handlers = { request: never, upgrade: never, connect: never, failed: () => {} };
    const options = { maxHeaderBytes: 16_384, headTimeoutMs: 60_000 };
    expect(http1Server(options, handlers).keepAliveTimeout).toBe(4_321);
    const end = jest.fn();
    const socket = Object.assign(new EventEmitter(), { end, isPaused: () => false });
    const owner = { parts: { clock: { now: () => 0 } }, left: () => {} } as unknown as RawTransport;
    const connection = new RawConnection(owner, socket as unknown as Socket, false, () => {});
    connection.over(true);
    connection.sweep(4_321);
    expect(end).not.toHaveBeenCalled();
    connection.sweep(4_322);
    expect(end).toHaveBeenCalledTimes(1);
  });
});

describe('a handshake that the backend does not answer', () => {
  const stack = new AsyncDisposableStack();
  afterAll(() => stack.disposeAsync());
  beforeEach(() => {
    const others = ['nextTick', 'setImmediate', 'queueMicrotask', 'performance', 'hrtime', 'Date'] as const;
    jest.useFakeTimers({ doNotFake: [...others, 'setInterval', 'clearInterval', 'clearImmediate'] });
  });
  afterEach(() => jest.useRealTimers());

  /** A backend that reads and says nothing, and a promise of its first request. */
  async function silent(): Promise<{ port: number; asked: Promise<unknown> }> {
    const { promise: asked, resolve } = Promise.withResolvers<unknown>();
    const server = createServer((socket) => {
      socket.on('error', () => {}).once('data', resolve);
      stack.defer(() => void socket.destroy());
    });
    server.listen(0, '127.0.0.1');
    stack.defer(() => void server.close());
    await once(server, 'listening');
    return { port: (server.address() as AddressInfo).port, asked };
  }

  it('ends after a minute on the raw transport', () => {
    const destroy = jest.fn();
    const upstream = { socket: { write: () => true }, destroy, reused: false } as unknown as Upstream;
    const upstreams = { open: () => upstream } as unknown as RawUpstreamPool;
    const owner = { parts: { upstreams, clock }, options: { clusterDomain: DOMAIN } };
    const handshake = `GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`;
    const request = readRequest(handshake, peer(false));
    if (!request) throw new Error('not read');
    const transport = owner as unknown as RawTransport;
    new RawExchange(transport, {} as RawConnection, request, forwardTo(1)).begin(Buffer.alloc(0), 0);
    jest.advanceTimersByTime(59_999);
    expect(destroy).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1);
    expect(destroy).toHaveBeenCalledTimes(1);
  });

  it('is refused after a minute on HTTP/1.1', async () => {
    const { port, asked } = await silent();
    const front = createServer({ allowHalfOpen: true });
    front.listen(0, '127.0.0.1');
    stack.defer(() => void front.close());
    await once(front, 'listening');
    const accepted = once(front, 'connection');
    const user = connect({ port: (front.address() as AddressInfo).port, host: '127.0.0.1' });
    stack.defer(() => void user.destroy());
    const [client] = (await accepted) as [Socket];
    stack.defer(() => void client.destroy());
    client.on('error', () => {});
    const { exchange, replied } = nodeExchange(port, () => REPLIES.badGateway(false));
    const req = { method: 'GET', url: '/', headers: { upgrade: 'websocket' }, socket: client };
    const adapter = new HttpxyAdapter(new NodeUpstreamPool(65_536), dialling);
    adapter.upgrade(req as unknown as IncomingMessage, client, Buffer.alloc(0), exchange);
    await asked;
    jest.advanceTimersByTime(59_999);
    expect(exchange.answering).toBe(false);
    jest.advanceTimersByTime(1);
    expect((await replied).status).toBe(502);
  }, 20_000);

  it('is refused after a minute on HTTP/2', async () => {
    const { port, asked } = await silent();
    const { exchange, replied } = nodeExchange(port, () => REPLIES.badGateway(false));
    openExtended(new EventEmitter() as ServerHttp2Stream, exchange, dialling, new Agent());
    await asked;
    jest.advanceTimersByTime(59_999);
    expect(exchange.answering).toBe(false);
    jest.advanceTimersByTime(1);
    expect((await replied).status).toBe(502);
  }, 20_000);
});

async function never(): Promise<void> {}
