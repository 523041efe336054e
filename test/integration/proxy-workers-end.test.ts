/** The limits, the end and the refusals of a proxy of four processes. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import {
  eventually,
  expectComplaint,
  freePort,
  startProgram,
  startUpstream,
  type Upstream,
} from '@spawner/testkit';
import { WebSocket } from 'ws';
import { serve } from './proxy-fixture.ts';
import { startFourWorkers, visitor, visitors } from './proxy-workers-scene.ts';

const DRAIN_MS = 40_000;

let upstream: Upstream;
beforeAll(async () => {
  upstream = await startUpstream();
});
afterAll(async () => {
  await upstream?.stop();
});

describe('the limits of a proxy of four workers', () => {
  it('bound the whole: each has its share', async () => {
    await using limited = await startFourWorkers({
      SPAWNER_PROXY_CONNECTIONS_PER_HOST: '10',
      SPAWNER_PROXY_REQUESTS_PER_SECOND_PER_HOST: '40',
    });
    const { host } = await limited.backend(upstream);
    const all = await visitors(60, limited.port, host);
    const answers = await Promise.all(all.map(({ ask }) => ask()));
    const good = all.filter((_, at) => answers[at] === '200');
    expect(answers.filter((answer) => answer === '429')).toHaveLength(60 - good.length);
    expect(good.length).toBeGreaterThan(0);
    expect(good.length).toBeLessThanOrEqual(10);
    // Each worker's seconds of the request limit begin at another time.
    const from = performance.now();
    let served = 0;
    for (let n = 0; n < 20; n++)
      served += (await Promise.all(good.map(({ ask }) => ask()))).filter((status) => status === '200').length;
    const seconds = (performance.now() - from) / 1_000;
    expect(served).toBeLessThanOrEqual(40 * (Math.floor(seconds) + 2));
    for (const { socket } of all) socket.destroy();
  });
});

describe('a proxy of four workers that is asked to stop', () => {
  it('lets the exchanges of all of them end, and ends with them', async () => {
    await using ending = await startFourWorkers({ SPAWNER_PROXY_DRAIN_MS: String(DRAIN_MS) });
    const { host } = await ending.backend(upstream);
    const socket = new WebSocket(`ws://127.0.0.1:${ending.port}`, { headers: { host } });
    await once(socket, 'open');
    const closed = once(socket, 'close');
    const all = await visitors(20, ending.port, host);
    const seen = upstream.seen.length;
    const answers = all.map(({ ask }) => ask('/slow?ms=1500'));
    await eventually(() => upstream.seen.length === seen + 20);
    const from = performance.now();
    const exited = ending.proxy.stop();
    expect((await closed)[0]).toBe(1001);
    expect(await Promise.all(answers)).toEqual(all.map(() => '200'));
    expect(await exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - from).toBeLessThan(DRAIN_MS / 2);
  });

  it('cuts what has not ended within its time', async () => {
    await using ending = await startFourWorkers({ SPAWNER_PROXY_DRAIN_MS: '3000' });
    const { host } = await ending.backend(upstream);
    const endless = await visitor(ending.port, host);
    expect(await endless.ask('/sse')).toBe('200');
    const over = once(endless.socket, 'close');
    const from = performance.now();
    expect((await ending.proxy.stop()).code).toBe(0);
    await over;
    expect(performance.now() - from).toBeLessThan(20_000);
  });

  it('ends at once at a second signal, and all workers with it', async () => {
    await using ending = await startFourWorkers({ SPAWNER_PROXY_DRAIN_MS: String(DRAIN_MS) });
    const { host } = await ending.backend(upstream);
    const endless = await visitor(ending.port, host);
    expect(await endless.ask('/sse')).toBe('200');
    const exited = ending.proxy.kill('SIGTERM');
    await eventually(() => ending.proxy.lines.some((line) => line.includes('"stopping"')));
    process.kill(ending.proxy.pid, 'SIGTERM');
    const from = performance.now();
    // Its output ends when no worker has it open any more.
    expect((await exited).code).toBe(1);
    // Long before its drain would be over.
    expect(performance.now() - from).toBeLessThan(DRAIN_MS / 2);
  });

  it('drains too when its supervisor is killed: no worker stays', async () => {
    await using ending = await startFourWorkers({ SPAWNER_PROXY_DRAIN_MS: '8000' });
    const { host } = await ending.backend(upstream);
    const all = await visitors(20, ending.port, host);
    const seen = upstream.seen.length;
    const answers = all.map(({ ask }) => ask('/slow?ms=1500'));
    await eventually(() => upstream.seen.length === seen + 20);
    // Its output ends when no worker has it open any more.
    const gone = ending.proxy.kill();
    expect(await Promise.all(answers)).toEqual(all.map(() => '200'));
    expect((await gone).signal).toBe('SIGKILL');
  });
});

describe('a proxy of four workers that cannot start', () => {
  it('ends and says why', async () => {
    expectComplaint(/proxy: cannot start: (?:bind EADDRINUSE|worker \d cannot start: it ended with code 1)/);
    await using taken = await serve(createServer());
    const adminPort = String(await freePort());
    const starting = startFourWorkers({
      SPAWNER_PROXY_HTTP_PORT: String(taken.port),
      SPAWNER_PROXY_ADMIN_PORT: adminPort,
    });
    await expect(starting).rejects.toThrow(/EADDRINUSE[\s\S]*cannot start/);
  });

  it('refuses limits that cannot be shared, and a name that its workers cannot have', async () => {
    expectComplaint(/proxy: configuration: /);
    const starting = startProgram({
      command: process.execPath,
      args: ['services/proxy/src/main.ts'],
      env: {
        SPAWNER_PROXY_WORKERS: '4',
        SPAWNER_PROXY_CONNECTIONS_PER_ADDRESS: '3',
        SPAWNER_PROXY_ID: 'p'.repeat(62),
      },
      ready: () => false,
    });
    await expect(starting).rejects.toThrow(
      /SPAWNER_PROXY_ID is too long[\s\S]*PER_ADDRESS must be at least 4/,
    );
  });
});
