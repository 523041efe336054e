import { once } from 'node:events';
import type { Socket } from 'node:net';
import { eventually, rawHttp } from '@spawner/testkit';
import { CHUNKED, GET, hear, LAST, ok, scene } from './proxy-fast-scene.ts';

describe('a strange answer', () => {
  it.each([
    ['nonsense', 'this is not HTTP\r\n\r\n'],
    [
      'an unrequested protocol switch',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    ],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['a NUL', 'HTTP/1.1 200 OK\r\nX: 1\0\r\nContent-Length: 0\r\n\r\n'],
    ['endless interim answers', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(20)],
    ['an endless head', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(70_000)}`],
  ])('is 502 for the client: %s', async (_what, answer) => {
    const { port, upstreamSockets, looked, counted } = await scene((socket) => socket.write(answer));
    expect(await rawHttp(port, LAST)).toMatch(/^HTTP\/1\.1 502 /);
    await eventually(() => upstreamSockets[0]?.destroyed === true);
    expect(looked).toEqual([]);
    expect(counted).toEqual(['bad_answer 502']);
  });

  it('is never given to the next request', async () => {
    const { port, upstreamSockets } = await scene((socket) => socket.write(`${ok('hi')}${ok('evil')}`));
    const answers = await rawHttp(port, GET + LAST);
    expect(answers).not.toContain('evil');
    expect(upstreamSockets).toHaveLength(2);
  });

  it('is cut where its head has gone out', async () => {
    const { dial, upstreamSockets } = await scene((socket) => socket.write(`${CHUNKED}2\r\nhi\r\n`));
    const client = dial();
    const { text } = hear(client);
    client.write(GET);
    await eventually(() => text().endsWith('2\r\nhi\r\n'));
    upstreamSockets[0]?.write('nonsense');
    await once(client, 'close');
    expect(text()).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n2\r\nhi\r\n$/);
  });

  it('is 502 where its body is seen to be strange before its head has gone out', async () => {
    const { port, counted } = await scene((socket) => socket.write(`${CHUNKED}2\nhi\n0\n\n`));
    expect(await rawHttp(port, LAST)).toMatch(/^HTTP\/1\.1 502 /);
    expect(counted).toEqual(['bad_answer 502']);
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
      const chunked = `${CHUNKED}2\r\nhi\r\n0\r\nX-Trailer: 1\r\n\r\n`;
      const answer = path === '/chunks' ? chunked : 'HTTP/1.0 200 OK\r\n\r\nto the end';
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

  /** A backend that leaves the second request that it hears without an answer. */
  const forgetful = () => {
    let turn = 0;
    return scene((socket) => {
      turn += 1;
      if (turn === 2) socket.destroy();
      else socket.write(ok(`turn ${turn}`));
    });
  };

  it('is asked for again, once, where a kept connection had died', async () => {
    const { port, received, counted, fast } = await forgetful();
    expect(await rawHttp(port, GET + LAST)).toContain('turn 3');
    expect(received).toHaveLength(3);
    await fast.close();
    expect(counted).toEqual(['forwarded 200', 'forwarded 200']);
  });

  it('is not asked for again where that could do something twice', async () => {
    const { port, received } = await forgetful();
    expect(await rawHttp(port, GET + LAST.replace('GET', 'POST'))).toMatch(/turn 1HTTP\/1\.1 502 /);
    expect(received).toHaveLength(2);
  });
});
