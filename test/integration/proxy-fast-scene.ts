/** A raw transport of its own, between a client and a backend that are whatever a test says. */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { crankedClock, testLog } from '@spawner/testkit';
import { REPLIES } from '../../services/proxy/src/edge/replies.ts';
import { trustedAddresses } from '../../services/proxy/src/edge/trusted-addresses.ts';
import { ActiveRequests } from '../../services/proxy/src/routing/active-requests.ts';
import { Sessions } from '../../services/proxy/src/routing/sessions.ts';
import { RawTransport, type RawTransportParts } from '../../services/proxy/src/transports/raw/transport.ts';
import { RawUpstreamPool } from '../../services/proxy/src/transports/raw/upstream-pool.ts';

export const ID = 'abcdefghijklmnopqrstuvwxyz';
export const HOST = `${ID}.mydomain.test`;
export const GET = `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
export const LAST = GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');
export const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
export const ok = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

const stack = new AsyncDisposableStack();
afterAll(() => stack.disposeAsync());

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

/** A raw transport before Node's server, which answers `general`, with one backend that does as the test says. */
export async function scene(talk: (socket: Socket, received: string) => void) {
  const clock = crankedClock();
  const activity = new ActiveRequests(0);
  const log = testLog();
  const dialling = { connectTimeoutMs: 1_000, connected: () => {} };
  const upstreams = new RawUpstreamPool(dialling, clock, log);
  const sessions = new Sessions([upstreams]);
  const upstreamSockets: Socket[] = [];
  const received: string[] = [];
  const backend = createServer((socket) => {
    upstreamSockets.push(socket);
    socket.setEncoding('latin1').on('data', (text: string) => {
      received.push(text);
      talk(socket, text);
    });
  });
  const endpoint = { host: '127.0.0.1', port: await listen(backend) };
  const counted: string[] = [];
  const looked: string[] = [];
  let open = true;
  const policy: RawTransportParts['policy'] = {
    decideNow: ({ backendId = '' }) =>
      open
        ? {
            kind: 'forward',
            endpoint,
            ownPort: endpoint.port,
            droneId: 'd',
            active: activity.begin(backendId, 'd'),
          }
        : undefined,
    backendFailed: ({ backendId = '' }, _forward, _reached, { objection } = {}) => {
      if (objection !== undefined) return REPLIES.unforwardable(objection, false);
      counted.push('failed');
      looked.push(backendId);
      return REPLIES.badGateway(false);
    },
    restartHold: () => undefined,
  };
  const fast = new RawTransport(
    {
      policy,
      upstreams,
      sessions,
      metrics: {
        request: (outcome, status, count = 1) => {
          for (let one = 0; one < count; one++) counted.push(`${outcome} ${status}`);
        },
        firstByte: () => counted.push('first byte'),
        upstreamFailed: () => counted.push('failed'),
        connectionRefused: () => counted.push('refused'),
        lineDropped: () => counted.push('dropped'),
      },
      accessLog: undefined,
      clock,
      log,
    },
    {
      clusterDomain: 'mydomain.test',
      maxHeaderBytes: 16_384,
      maxAnswerHeaderBytes: 65_536,
      headTimeoutMs: 60_000,
      bodyTimeoutMs: 60_000,
      trust: trustedAddresses([]),
    },
  );
  stack.defer(() => fast.close());
  stack.defer(() => upstreams.close());
  const general = createHttpServer((req, res) => {
    let body = '';
    req.on('data', (chunk) => {
      body += chunk;
    });
    req.on('end', () => res.end(`general ${req.method} ${req.url} ${body}`));
  });
  const accepted: Socket[] = [];
  const front = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    accepted.push(socket);
    fast.take(socket, false, (its) => general.emit('connection', its));
  });
  const port = await listen(front);
  const dial = () => {
    const socket = connect({ port, host: '127.0.0.1' }).on('error', () => {});
    stack.defer(() => void socket.destroy());
    return socket;
  };
  const close = () => {
    open = false;
  };
  return {
    port,
    dial,
    clock,
    activity,
    fast,
    sessions,
    received,
    upstreamSockets,
    accepted,
    counted,
    looked,
    close,
  };
}

/** Everything that comes on a socket. */
export function hear(socket: Socket): { text: () => string } {
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
  });
  return { text: () => text };
}
