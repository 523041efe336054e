/**
 * The first Spawner's interface tests of its proxy (P1-P3, P5-P7) and the two that were never written, over the
 * whole constellation; P4, P8 and P9 are in https.test.ts.
 */
import { eventually } from '@spawner/testkit';
import { type BackendJson, type Cluster, startCluster } from '../cluster/cluster.ts';

const IMAGE = 'spawner/probe:latest';

describe('the edge', () => {
  let cluster: Cluster;
  let one: string;
  let two: string;
  beforeAll(async () => {
    cluster = await startCluster();
    [one, two] = (
      await Promise.all(
        ['one', 'two'].map((name) =>
          cluster.spawnReady({ image: IMAGE, env: { NAME: name }, idleTimeoutMs: 0 }),
        ),
      )
    ).map(({ id }) => id) as [string, string];
  });
  afterAll(() => cluster?.stop());

  /** The activity that the API tells of a backend: what its agent last heard. */
  const activity = async (id: string) => (await cluster.backend(id)).activity ?? {};
  const timeOf = ({ events = [] }: BackendJson, wanted: string) =>
    Date.parse(events.find(({ state }) => state === wanted)?.time ?? '');
  const idleFor = async (id: string) => Number((await activity(id)).idleForMs ?? 0);

  it('answers 404 for a host without a backend (P1)', async () => {
    for (const host of [
      'foo.bar',
      `nobody.${cluster.domain}`,
      cluster.domain,
      `${'a'.repeat(26)}.${cluster.domain}`,
    ])
      expect((await cluster.fetchBackend('x', '/', { headers: { host } })).status).toBe(404);
  });

  it('forwards to the backend that the host names, and to no other (P2, multiple subdomains)', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => cluster.fetchBackend(n % 2 ? one : two, '/name')),
    );
    expect(answers.map(({ body }) => body)).toEqual(
      Array.from({ length: 40 }, (_, n) => (n % 2 ? 'one' : 'two')),
    );
    const hello = await cluster.fetchBackend(one);
    expect([hello.status, hello.body, hello.headers['x-probe']]).toEqual([200, 'Hello World!', one]);
  });

  it('passes the Host header on, port included, and says who asked (P3)', async () => {
    const host = `${one}.${cluster.domain}:8000`;
    const { headers } = JSON.parse(
      (
        await cluster.fetchBackend(one, '/headers', {
          headers: { host, 'x-forwarded-for': '6.6.6.6', 'x-spawner-user': 'root' },
        })
      ).body,
    );
    expect(headers).toMatchObject({
      host,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-spawner-backend': one,
    });
    expect(headers).not.toHaveProperty('x-spawner-user');
  });

  it('carries WebSockets both ways, each to its own backend (P5)', async () => {
    const sockets = await Promise.all([one, two].map((id) => cluster.openWebSocket(id)));
    const said = await Promise.all(
      sockets.map(
        (socket, n) =>
          new Promise<string[]>((resolve) => {
            const heard: string[] = [];
            socket.on('message', (data) => {
              heard.push(String(data));
              if (heard.length === 2) resolve(heard);
            });
            socket.send(`ok ${n}`);
            socket.send(`ok2 ${n}`);
          }),
      ),
    );
    expect(said).toEqual([
      ['echo: ok 0', 'echo: ok2 0'],
      ['echo: ok 1', 'echo: ok2 1'],
    ]);
    for (const socket of sockets) socket.close();
  });

  it('knows when a backend was last used: a request restarts its idleness, silence lets it grow (P6)', async () => {
    await cluster.fetchBackend(one);
    await cluster.fetchBackend(two);
    for (const id of [one, two])
      await eventually(async () => expect(await idleFor(id)).toBeGreaterThan(4_000));
    await cluster.fetchBackend(one);
    await eventually(async () => expect(await idleFor(one)).toBeLessThan(3_500));
    expect(await idleFor(two)).toBeGreaterThan(4_000);
  });

  it('counts an open WebSocket as use though nothing is said, until it closes (P7)', async () => {
    const socket = await cluster.openWebSocket(one);
    await eventually(async () => expect((await activity(one)).openConnections).toBe(1));
    expect((await activity(two)).openConnections ?? 0).toBe(0);
    socket.close();
    await eventually(async () => expect((await activity(one)).openConnections ?? 0).toBe(0));
    await eventually(async () => expect(await idleFor(one)).toBeGreaterThan(2_000));
  });

  it('keeps sessions alive for the whole of what they are used for, and ends unused ones beside them', async () => {
    const uses = [
      ['/slow?ms=6000', 200],
      ['/sse', 'left by its reader'],
      ['/download?bytes=1000&ms=6000', 200],
    ] as const;
    const live = async ([path, outcome]: (typeof uses)[number]) => {
      const spec = { image: IMAGE, idleTimeoutMs: 1_500 };
      const unused = await cluster.spawn(spec);
      const busy = await cluster.spawn(spec);
      const since = Date.now();
      const timeoutMs = outcome === 200 ? 60_000 : 6_500;
      // Held until it is ready: its clock does not run out before it is used.
      const reading = cluster.fetchBackend(busy.id, path, { timeoutMs }).then(
        ({ status }) => status,
        () => 'left by its reader',
      );
      expect(await cluster.inState(unused.id, 'TERMINATED')).toMatchObject({ endReason: 'IDLE' });
      expect([path, await reading]).toEqual([path, outcome]);
      const ended = await cluster.inState(busy.id, 'TERMINATED');
      expect(ended.endReason).toBe('IDLE');
      expect(timeOf(ended, 'TERMINATING')).toBeGreaterThan(since + 6_000 + spec.idleTimeoutMs - 100);
    };
    await Promise.all(uses.map(live));
  });

  it('holds a request for a backend that is still starting, and answers it when it is ready', async () => {
    const { id } = await cluster.spawn({ image: IMAGE, env: { NAME: 'late', START_DELAY_MS: '1500' } });
    expect((await cluster.fetchBackend(id, '/name')).body).toBe('late');
    await cluster.terminate(id, true);
  });

  it('tells a waiting page how far a backend is that is starting, until it is ready', async () => {
    const { id } = await cluster.spawn({ image: IMAGE, env: { START_DELAY_MS: '1500' } });
    const { headers, body } = await cluster.fetchBackend(id, '/.spawner/events', { timeoutMs: 30_000 });
    expect(headers['content-type']).toBe('text/event-stream');
    const told = [...body.matchAll(/^data: (\w+)$/gm)].map(([, state]) => state);
    // A request that is over before the next report is not reported.
    const steps = ['SCHEDULED', 'LOADING', 'STARTING', 'WAITING'];
    expect(told).toEqual(steps.filter((step) => told.includes(step)));
    expect(told.at(-1)).toBe('WAITING');
    expect(body.endsWith('event: over\ndata: \n\n')).toBe(true);
    expect((await cluster.fetchBackend(id)).status).toBe(200);
    await cluster.terminate(id, true);
  });

  it('has a page for browsers while a program restarts in its session, and serves them again after it', async () => {
    const restarts = `const { spawn } = require('node:child_process');
      const run = () => spawn(process.execPath, ['test/images/probe/server.ts'], { stdio: 'inherit' })
        .once('exit', () => setTimeout(run, 3000));
      process.on('SIGTERM', () => process.exit(0));
      run();`;
    const { id } = await cluster.spawnReady({
      image: IMAGE,
      env: { NAME: 'again' },
      command: ['/usr/local/bin/node', '-e', restarts],
    });
    await cluster.fetchBackend(id, '/exit/3').catch(() => undefined);
    const headers = { accept: 'text/html', 'sec-fetch-mode': 'navigate' };
    await eventually(
      async () => {
        const page = await cluster.fetchBackend(id, '/name', { headers });
        expect([page.status, page.headers['retry-after']]).toEqual([502, '1']);
        expect(page.body).toContain("Your session's program is restarting");
      },
      { everyMs: 100 },
    );
    await eventually(async () => expect((await cluster.fetchBackend(id, '/name')).body).toBe('again'));
    expect((await cluster.backend(id)).state).toBe('READY');
    await cluster.terminate(id, true);
  });

  it('moves megabytes both ways unchanged', async () => {
    const body = Buffer.from(Array.from({ length: 1 << 20 }, (_, n) => (n * 7) % 251));
    const answer = await cluster.fetchBackend(two, '/echo', { method: 'POST', body });
    expect(answer.bytes.equals(body)).toBe(true);
  });

  it('says that a session is ending, and why, while its program still stops', async () => {
    const { id } = await cluster.spawnReady({
      image: IMAGE,
      env: { IGNORE_SIGTERM: 'true' },
      stopGraceMs: 60_000,
    });
    await cluster.terminate(id);
    const answer = await cluster.fetchBackend(id);
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      410,
      { code: 'GONE', message: 'This session is ending.', reason: 'REQUESTED' },
    ]);
    expect(await cluster.backend(id)).toMatchObject({ state: 'TERMINATING', endReason: 'REQUESTED' });
    await cluster.terminate(id, true);
  });

  it('redirects a browser from a session that is over to the page of its application, with the reason', async () => {
    const pages = { redirectUrl: 'https://app.test/over' };
    const { id } = await cluster.spawnReady({ image: IMAGE, pages });
    await cluster.terminate(id, true);
    await cluster.inState(id, 'TERMINATED');
    const headers = { accept: 'text/html', 'sec-fetch-mode': 'navigate' };
    await eventually(async () => {
      const answer = await cluster.fetchBackend(id, '/', { headers });
      expect([answer.status, answer.headers.location]).toEqual([
        303,
        `https://app.test/over?reason=REQUESTED&state=TERMINATED&id=${id}`,
      ]);
    });
    expect((await cluster.fetchBackend(id)).status).toBe(410);
  });

  it('says 410 with the reason to a browser and to a program once a session is over', async () => {
    const { id } = await cluster.spawnReady({ image: IMAGE });
    await cluster.terminate(id, true);
    await cluster.inState(id, 'TERMINATED');
    await eventually(async () => (await cluster.fetchBackend(id)).status === 410);
    const program = await cluster.fetchBackend(id);
    expect([program.status, JSON.parse(program.body)]).toEqual([
      410,
      { code: 'GONE', message: 'This session has ended.', reason: 'REQUESTED' },
    ]);
    const browser = await cluster.fetchBackend(id, '/', { headers: { accept: 'text/html' } });
    expect([browser.status, browser.headers['content-type']]).toEqual([
      410,
      expect.stringContaining('text/html'),
    ]);
  });
});
