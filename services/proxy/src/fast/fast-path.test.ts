import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { createLog } from '@spawner/service';
import { crankedClock, eventually, rawHttp } from '@spawner/testkit';
import { Activity } from '../activity.ts';
import { trustOf } from '../trust.ts';
import { Tunnels } from '../websocket.ts';
import { FastPath } from './fast-path.ts';
import { KeptUpstreams } from './kept-upstreams.ts';

const ID = 'abcdefghijklmnopqrstuvwxyz';
const HOST = `${ID}.mydomain.test`;
const GET = `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
const LAST = GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');
const ok = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

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

const fail = (error: unknown) => {
  throw error;
};

/** A fast path before a general server that says so, with one backend that does as the test says. */
async function scene(talk: (socket: Socket, received: string) => void) {
  const clock = crankedClock();
  const activity = new Activity(0);
  const upstreams = new KeptUpstreams(1_000, clock, { opened: () => {}, failed: fail });
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
  const passNow = (id: string) =>
    open
      ? ({ kind: 'forward', endpoint, droneId: 'd', exchange: activity.begin(id, 'd') } as const)
      : undefined;
  const fast = new FastPath(
    {
      gate: { passNow },
      activity,
      upstreams,
      tunnels: new Tunnels(),
      limits: { admit: () => 'admitted' },
      trust: trustOf([]),
      metrics: {
        request: (outcome, status, count = 1) => {
          for (let one = 0; one < count; one++) counted.push(`${outcome} ${status}`);
        },
        upstreamFailed: () => counted.push('failed'),
        connectionRefused: () => counted.push('refused'),
        lineDropped: () => counted.push('dropped'),
      },
      access: undefined,
      clock,
      isSilent: () => false,
      look: (id) => looked.push(id),
      log: createLog('test', 'silent'),
    },
    {
      clusterDomain: 'mydomain.test',
      maxHeaderBytes: 16_384,
      openPerBackend: 10,
      headTimeoutMs: 60_000,
      bodyTimeoutMs: 60_000,
      redirectPort: () => undefined,
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
  return { port, dial, clock, activity, fast, received, upstreamSockets, accepted, counted, looked, close };
}

/** Everything that comes on a socket. */
function hear(socket: Socket): { text: () => string } {
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
  });
  return { text: () => text };
}

describe('the fast path', () => {
  it('keeps one connection to the backend for the requests of a client', async () => {
    const { port, received, upstreamSockets, activity, counted, fast } = await scene((socket) =>
      socket.write(ok('hi')),
    );
    const answers = await rawHttp(port, GET + GET + LAST);
    expect(answers.match(/\r\n\r\nhi/g)).toHaveLength(3);
    expect(received).toHaveLength(3);
    expect(upstreamSockets).toHaveLength(1);
    expect(received[0]).toContain(`host: ${HOST}\r\n`.replace('host', 'Host'));
    expect(received[0]).toContain(`x-spawner-backend: ${ID}\r\n`);
    await fast.close();
    expect(counted).toEqual(['forwarded 200', 'forwarded 200', 'forwarded 200']);
    expect(activity.total).toBe(0);
  });

  it('hands what is not for it to the general path, whole and in its turn', async () => {
    const { port, received } = await scene((socket) => socket.write(ok('hi')));
    const strange = GET.replace('\r\n\r\n', '\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n');
    const post = strange.replace('GET /', 'POST /odd');
    const answers = await rawHttp(port, `${GET}${GET}${post}4\r\nbody\r\n0\r\n\r\n`);
    expect(answers).toMatch(/hiHTTP[\s\S]*hiHTTP[\s\S]*general POST \/odd body/);
    expect(received).toHaveLength(2);
  });

  it('hands over where the gate would hold or refuse, and nothing stays counted', async () => {
    const { port, close, activity } = await scene((socket) => socket.write(ok('hi')));
    close();
    expect(await rawHttp(port, LAST)).toContain('general GET / ');
    expect(activity.total).toBe(0);
  });

  it('takes a head in pieces, and leaves one in crumbs to the general path', async () => {
    const { dial, received } = await scene((socket) => socket.write(ok('hi')));
    for (const [size, answer] of [
      [30, '\r\n\r\nhi'],
      [4, 'general GET / '],
    ] as const) {
      const client = dial().setNoDelay(true);
      const { text } = hear(client);
      for (let at = 0; at < LAST.length; at += size) {
        client.write(LAST.slice(at, at + size));
        // Each piece is to come by itself.
        await new Promise((resolve) => setTimeout(resolve, 3));
      }
      await eventually(() => text().includes(answer));
    }
    expect(received).toHaveLength(1);
  });

  it('passes on an answer that comes before the whole body, and does not use the connections again', async () => {
    const { dial, upstreamSockets } = await scene((socket) => socket.write(ok('enough')));
    const client = dial();
    const { text } = hear(client);
    client.write(`POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 1000000\r\n\r\nsome`);
    await eventually(() => text().endsWith('enough'));
    client.write('more');
    await eventually(() => upstreamSockets[0]?.destroyed === true);
    await eventually(() => client.destroyed);
  });

  it.each([
    ['leaves', (client: Socket) => client.destroy()],
    ['ends its half', (client: Socket) => client.end()],
  ])('gives the exchange up when the client %s', async (_what, leave) => {
    const { dial, received, activity, upstreamSockets } = await scene(() => {});
    const client = dial();
    client.write(GET);
    await eventually(() => received.length === 1);
    expect(activity.open(ID)).toBe(1);
    leave(client);
    await eventually(() => upstreamSockets[0]?.destroyed === true && activity.open(ID) === 0);
  });

  it('gives the exchange up when the client leaves after more requests, one piece after the other', async () => {
    const { dial, accepted, received, activity, upstreamSockets } = await scene(() => {});
    const client = dial().setNoDelay(true);
    client.write(GET);
    await eventually(() => received.length === 1);
    for (let turn = 1; turn <= 3; turn++) {
      client.write(GET);
      await eventually(() => accepted[0]?.bytesRead === GET.length * (turn + 1));
    }
    client.destroy();
    await eventually(() => upstreamSockets[0]?.destroyed === true && activity.open(ID) === 0);
  });

  it('reads little ahead of its turn', async () => {
    const { dial, accepted, received, upstreamSockets } = await scene(() => {});
    const client = dial();
    client.write(GET);
    await eventually(() => received.length === 1);
    client.write(GET.replace('\r\n\r\n', `\r\nContent-Length: ${32 << 20}\r\n\r\n`));
    client.write(Buffer.alloc(32 << 20, 'x'));
    await eventually(() => accepted[0]?.isPaused() === true);
    expect(accepted[0]?.bytesRead).toBeLessThan(1 << 20);
    upstreamSockets[0]?.write(ok('hi'));
    await eventually(() => (upstreamSockets[0]?.bytesRead ?? 0) > 32 << 20);
  });

  it('lets no answer look whole that it breaks off because the rest of the body does not come', async () => {
    const { dial, clock, activity } = await scene((socket) => socket.write('HTTP/1.1 200 OK\r\n\r\nhalf'));
    const client = dial();
    const { text } = hear(client);
    client.write(`POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 9\r\n\r\nsome`);
    await eventually(() => text().endsWith('half') && clock.sleeping === 1);
    const failed = once(client, 'error');
    for (let second = 0; second < 62; second++) await clock.advance(1_000);
    expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' });
    expect(activity.open(ID)).toBe(0);
  });

  it('queues little for a client that does not read', async () => {
    const piece = Buffer.alloc(1 << 20, 'x');
    const { dial, accepted, upstreamSockets } = await scene((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${64 << 20}\r\n\r\n`);
      for (let at = 0; at < 64; at++) socket.write(piece);
    });
    const client = dial().pause();
    client.write(GET);
    await eventually(() => (accepted[0]?.writableLength ?? 0) > 0);
    // Until nothing moves any more.
    let left = -1;
    await eventually(
      () => {
        const before = left;
        left = upstreamSockets[0]?.writableLength ?? 0;
        return left === before;
      },
      { everyMs: 100 },
    );
    expect(left).toBeGreaterThan(32 << 20);
    expect(accepted[0]?.writableLength).toBeLessThanOrEqual(64 * 1024);
    let bytes = 0;
    client
      .on('data', (chunk) => {
        bytes += chunk.length;
      })
      .resume();
    await eventually(() => bytes > 64 << 20);
  });

  it('reads little for a backend that does not', async () => {
    const { dial, accepted, upstreamSockets } = await scene((socket, text) => {
      if (text.startsWith('PUT')) socket.pause();
    });
    const client = dial();
    client.write(`PUT / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${64 << 20}\r\n\r\n`);
    client.write(Buffer.alloc(64 << 20, 'x'));
    // A pause of the client alone may be one that ends with the connection to the backend.
    await eventually(() => upstreamSockets[0]?.isPaused() === true && accepted[0]?.isPaused() === true);
    expect(accepted[0]?.bytesRead).toBeLessThan(32 << 20);
    upstreamSockets[0]?.resume();
    await eventually(() => (upstreamSockets[0]?.bytesRead ?? 0) > 64 << 20);
  });

  it('ends what idles, answers 408 to a head that never ends, and closes what it keeps to the backend', async () => {
    const { dial, clock, received, upstreamSockets } = await scene((socket) => socket.write(ok('hi')));
    const [idle, slow] = [dial(), dial()];
    const [, late] = [hear(idle), hear(slow)];
    idle.write(GET);
    slow.write('GET / HTTP/1.1\r\n');
    await eventually(() => received.length === 1 && clock.sleeping === 1);
    const ended = Promise.all([once(idle, 'end'), once(slow, 'end')]);
    for (let second = 0; second < 80; second++) await clock.advance(1_000);
    await ended;
    expect(late.text()).toMatch(/^HTTP\/1\.1 408 /);
    await eventually(() => upstreamSockets[0]?.readableEnded === true);
  });

  it('says goodbye while it drains', async () => {
    const { dial, fast, received, upstreamSockets } = await scene(() => {});
    const [idle, busy] = [dial(), dial()];
    const answer = hear(busy);
    await once(idle, 'connect');
    idle.resume();
    busy.write(GET);
    await eventually(() => received.length === 1);
    const left = once(idle, 'end');
    fast.drain();
    await left;
    upstreamSockets[0]?.write(ok('bye'));
    await once(busy, 'end');
    expect(answer.text()).toMatch(/Connection: close\r\n\r\nbye$/);
  });
});

describe('a strange answer', () => {
  it.each([
    ['nonsense', 'this is not HTTP\r\n\r\n'],
    [
      'a protocol switch nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    ],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['a folded line', 'HTTP/1.1 200 OK\r\nX: 1\r\n 2\r\nContent-Length: 0\r\n\r\n'],
    ['endless interim answers', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(20)],
    ['an endless head', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(20_000)}`],
  ])('is 502 for the client: %s', async (_what, answer) => {
    const { port, upstreamSockets, looked, counted } = await scene((socket) => socket.write(answer));
    expect(await rawHttp(port, LAST)).toMatch(/^HTTP\/1\.1 502 /);
    await eventually(() => upstreamSockets[0]?.destroyed === true);
    expect(looked).toEqual([ID]);
    expect(counted).toEqual(['failed', 'bad_gateway 502']);
  });

  it('is never given to the next request', async () => {
    const { port, upstreamSockets } = await scene((socket) => socket.write(`${ok('hi')}${ok('evil')}`));
    const answers = await rawHttp(port, GET + LAST);
    expect(answers).not.toContain('evil');
    expect(upstreamSockets).toHaveLength(2);
  });

  it('is cut where its head has gone out', async () => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
    const { dial, upstreamSockets } = await scene((socket) => socket.write(`${head}2\r\nhi\r\n`));
    const client = dial();
    const { text } = hear(client);
    client.write(GET);
    await eventually(() => text().endsWith('2\r\nhi\r\n'));
    upstreamSockets[0]?.write('nonsense');
    await once(client, 'close');
    expect(text()).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n2\r\nhi\r\n$/);
  });

  it('is 502 where its body is seen to be strange before its head has gone out', async () => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
    const { port, counted } = await scene((socket) => socket.write(`${head}2\nhi\n0\n\n`));
    expect(await rawHttp(port, LAST)).toMatch(/^HTTP\/1\.1 502 /);
    expect(counted).toEqual(['failed', 'bad_gateway 502']);
  });

  it('does not look whole where only the end of the connection tells its end', async () => {
    const { dial } = await scene((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\nhalf', () => socket.resetAndDestroy());
    });
    const client = dial().resume();
    const failed = once(client, 'error');
    client.write(GET);
    expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('an answer', () => {
  it('may come after interim ones, in crumbs, without a length, and with trailers that stay behind', async () => {
    const talk = async (socket: Socket, request: string) => {
      const path = request.split(' ')[1];
      const chunks = 'Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Trailer: 1\r\n\r\n';
      const answer =
        path === '/chunks' ? `HTTP/1.1 200 OK\r\n${chunks}` : 'HTTP/1.0 200 OK\r\n\r\nto the end';
      for (const char of `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${answer}`) {
        socket.write(char);
        await new Promise(setImmediate);
      }
      if (path !== '/chunks') socket.end();
    };
    const { port, upstreamSockets } = await scene((socket, request) => void talk(socket, request));
    const both = await rawHttp(port, GET.replace('/', '/chunks') + GET);
    expect(both).toMatch(
      /^HTTP\/1\.1 200 OK\r\nTransfer-Encoding: chunked\r\n[\s\S]*\r\n\r\n2\r\nhi\r\n0\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
    );
    expect(both).toMatch(/Connection: close\r\n\r\nto the end$/);
    expect(upstreamSockets).toHaveLength(1);
  });

  it('is asked for again, once, where a kept connection had died', async () => {
    let turn = 0;
    const { port, received, counted, fast } = await scene((socket) => {
      turn += 1;
      if (turn === 2) socket.destroy();
      else socket.write(ok(`turn ${turn}`));
    });
    expect(await rawHttp(port, GET + LAST)).toContain('turn 3');
    expect(received).toHaveLength(3);
    await fast.close();
    expect(counted).toEqual(['forwarded 200', 'forwarded 200']);
  });

  it('is not asked for again where that could do something twice', async () => {
    let turn = 0;
    const { port, received } = await scene((socket) => {
      turn += 1;
      if (turn === 2) socket.destroy();
      else socket.write(ok('hi'));
    });
    expect(await rawHttp(port, GET + LAST.replace('GET', 'POST'))).toMatch(/hiHTTP\/1\.1 502 /);
    expect(received).toHaveLength(2);
  });
});
