import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { systemClock } from '@spawner/domain';
import { eventually, freePort } from '@spawner/testkit';
import { answers, untilAnswers } from './probe.ts';

const never = new AbortController().signal;

async function served(status: () => number): Promise<{ server: Server; port: number; paths: string[] }> {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url ?? '');
    response.writeHead(status()).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port, paths };
}

describe('the readiness probe', () => {
  it('takes a TCP connection for an answer if no path is given', async () => {
    const silent = createTcpServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    await expect(answers({ host: '127.0.0.1', port }, '')).resolves.toBe(true);
    silent.close();
    await eventually(async () => !(await answers({ host: '127.0.0.1', port }, '')));
  });

  it.each([
    [200, true],
    [404, true],
    [499, true],
    [500, false],
    [503, false],
  ])('counts HTTP %i as an answer: %s', async (status, expected) => {
    const { server, port } = await served(() => status);
    await expect(answers({ host: '127.0.0.1', port }, '/ready?x=1')).resolves.toBe(expected);
    server.close();
  });

  it('waits until its path answers', async () => {
    let count = 0;
    const { server, port, paths } = await served(() => (++count < 4 ? 503 : 204));
    await untilAnswers(() => answers({ host: '127.0.0.1', port }, '/up'), systemClock, never);
    expect(paths).toEqual(['/up', '/up', '/up', '/up']);
    server.close();
  });

  it('ends when its signal aborts', async () => {
    const port = await freePort();
    const abort = new AbortController();
    const waiting = untilAnswers(() => answers({ host: '127.0.0.1', port }, ''), systemClock, abort.signal);
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  it('waits a fortieth of the time that has passed, from 5 to 250 ms', async () => {
    let now = 0;
    const pauses: number[] = [];
    const abort = new AbortController();
    const clock = {
      ...systemClock,
      now: () => now,
      sleep: async (ms: number) => {
        pauses.push(ms);
        now += 1_000;
        if (pauses.length === 12) abort.abort(new Error('enough'));
      },
    };
    await expect(untilAnswers(async () => false, clock, abort.signal)).rejects.toThrow();
    expect(pauses).toEqual([5, 25, 50, 75, 100, 125, 150, 175, 200, 225, 250, 250]);
  });
});
