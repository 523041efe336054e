import { once } from 'node:events';
import type { Socket } from 'node:net';
import { eventually, rawHttp } from '@spawner/testkit';
import { GET, HOST, hear, ID, LAST, ok, scene } from './proxy-fast-scene.ts';

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
    const { dial, fast, sessions, received, upstreamSockets } = await scene(() => {});
    const [idle, busy] = [dial(), dial()];
    const answer = hear(busy);
    await once(idle, 'connect');
    idle.resume();
    busy.write(GET);
    await eventually(() => received.length === 1);
    const left = once(idle, 'end');
    sessions.drain();
    fast.drain();
    await left;
    upstreamSockets[0]?.write(ok('bye'));
    await once(busy, 'end');
    expect(answer.text()).toMatch(/Connection: close\r\n\r\nbye$/);
  });
});
