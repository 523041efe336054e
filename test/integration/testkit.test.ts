import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import {
  eventually,
  makeAuthority,
  rawHttp,
  request,
  startDocker,
  startNats,
  startPebble,
  startProgram,
  startRedis,
  startUpstream,
  tempDir,
} from '@spawner/testkit';
import { WebSocket } from 'ws';

const run = promisify(execFile);
const redisCli = async (port: number, ...command: string[]) =>
  (await run('redis-cli', ['-p', String(port), ...command])).stdout.trim();
const listens = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
const alive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('the Redis fixture', () => {
  it('answers, is flushed, and comes back empty on the same port after a kill', async () => {
    await using redis = await startRedis();
    expect(redis.url).toBe(`redis://127.0.0.1:${redis.port}`);
    await redisCli(redis.port, 'SET', 'a', '1');
    await redis.flush();
    expect(await redisCli(redis.port, 'DBSIZE')).toBe('0');

    await redisCli(redis.port, 'SET', 'a', '1');
    const before = redis.pid();
    await redis.kill();
    expect(await listens(redis.port)).toBe(false);
    await redis.start();
    expect(redis.pid()).not.toBe(before);
    expect(await redisCli(redis.port, 'DBSIZE')).toBe('0');
  });

  it('takes more options, and says what Redis said of a wrong one', async () => {
    await using redis = await startRedis({ args: ['--maxmemory-policy', 'allkeys-lru'] });
    expect(await redisCli(redis.port, 'CONFIG', 'GET', 'maxmemory-policy')).toContain('allkeys-lru');
    await expect(startRedis({ args: ['--no-such-option', '1'] })).rejects.toThrow(/no-such-option/);
  });
});

describe('the NATS fixture', () => {
  it('greets, restarts on its port, and is gone after stop', async () => {
    const nats = await startNats();
    const greeting = await rawHttp(nats.port, '', { until: (text) => text.includes('\r\n') });
    expect(greeting).toMatch(/^INFO \{.*"max_payload":/);
    await nats.restart();
    expect(await listens(nats.port)).toBe(true);
    await nats.stop();
    expect(await listens(nats.port)).toBe(false);
  });
});

describe('the Pebble fixture', () => {
  it('serves its directory over a TLS that only its own root vouches for', async () => {
    await using pebble = await startPebble({
      eab: { 'kid-1': 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W' },
    });
    const { body } = await request({ port: pebble.port, path: '/dir', tls: { ca: pebble.caPem } });
    expect(JSON.parse(body).meta.externalAccountRequired).toBe(true);
    await expect(request({ port: pebble.port, path: '/dir', tls: {} })).rejects.toThrow(/certificate/);

    const root = new X509Certificate(await pebble.issuerRoots());
    expect(root.ca).toBe(true);
    await pebble.restart();
    expect(new X509Certificate(await pebble.issuerRoots()).fingerprint256).not.toBe(root.fingerprint256);
  });
});

describe('the Docker fixture', () => {
  it('gives a socket on which an engine answers', async () => {
    await using docker = await startDocker();
    const answer = await run('curl', ['-sS', '--unix-socket', docker.socketPath, 'http://docker/version']);
    expect(JSON.parse(answer.stdout)).toHaveProperty('ApiVersion');
  });
});

describe('the certificate authority', () => {
  it('issues certificates for names and addresses that its root vouches for', async () => {
    await using authority = await makeAuthority();
    const { certPem } = await authority.issue(['*.spawner.test', '127.0.0.1']);
    const certificate = new X509Certificate(certPem);
    expect(certificate.checkHost('a.spawner.test')).toBe('*.spawner.test');
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(certificate.verify(new X509Certificate(authority.caPem).publicKey)).toBe(true);
  });
});

describe('a program', () => {
  const node = process.execPath;

  it('is ready at its line, sees no SPAWNER_ variable but those given, and ends on stop', async () => {
    process.env.SPAWNER_TEST_LEAK = 'yes';
    const script =
      'console.log("env", process.env.SPAWNER_TEST_LEAK, process.env.SPAWNER_GIVEN); setInterval(() => {}, 1000)';
    const program = await startProgram({
      command: node,
      args: ['-e', script],
      env: { SPAWNER_GIVEN: 'given' },
      ready: (line) => line.startsWith('env'),
    });
    delete process.env.SPAWNER_TEST_LEAK;
    expect(program.output()).toBe('env undefined given');
    expect(await program.stop()).toEqual({ code: null, signal: 'SIGTERM' });
  });

  it('is killed when it does not heed SIGTERM', async () => {
    const script = 'process.on("SIGTERM", () => {}); console.log("up"); setInterval(() => {}, 1000)';
    const program = await startProgram({
      command: node,
      args: ['-e', script],
      ready: (line) => line === 'up',
      stopTimeoutMs: 50,
    });
    expect(await program.stop()).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('that ends too early or stays silent fails the test with its output', async () => {
    const ready = (line: string) => line === 'never';
    await expect(
      startProgram({ command: node, args: ['-e', 'console.error("no luck"); process.exit(3)'], ready }),
    ).rejects.toThrow(/ended before it was ready[\s\S]*no luck/);
    await expect(
      startProgram({
        command: node,
        args: ['-e', 'setInterval(() => {}, 1000)'],
        ready,
        readyTimeoutMs: 300,
      }),
    ).rejects.toThrow('was not ready within 300 ms');
    await expect(startProgram({ command: '/no/such/program', ready })).rejects.toThrow(/no\/such\/program/);
  });

  it('does not outlive the process that started it', async () => {
    const testkit = new URL('../../libs/testkit/src/index.ts', import.meta.url).href;
    const script = `
      const { startProgram } = await import(${JSON.stringify(testkit)});
      const child = await startProgram({ command: 'sleep', args: ['60'] });
      console.log('child', child.pid);`;
    const parent = await startProgram({
      command: node,
      args: ['--input-type=module', '-e', script],
      ready: (line) => line.startsWith('child'),
    });
    const child = Number(/child (\d+)/.exec(parent.output())?.[1]);
    expect(alive(child)).toBe(true);
    await parent.kill('SIGKILL');
    await eventually(() => !alive(child));
  });
});

describe('a temporary directory', () => {
  it('is gone at the end', async () => {
    const dir = await tempDir();
    expect(existsSync(dir.path)).toBe(true);
    await dir.stop();
    expect(existsSync(dir.path)).toBe(false);
  });
});

describe('the upstream', () => {
  it('shows what it was sent, streams, and echoes over HTTP and WebSocket', async () => {
    await using upstream = await startUpstream({ hello: 'I am one' });
    const { port } = upstream;
    expect((await request({ port })).body).toBe('I am one');
    const sight = JSON.parse((await request({ port, path: '/headers?a=1', host: 'x.spawner.test' })).body);
    expect(sight).toMatchObject({ method: 'GET', url: '/headers?a=1', headers: { host: 'x.spawner.test' } });
    expect((await request({ port, path: '/echo', method: 'POST', body: 'to and fro' })).body).toBe(
      'to and fro',
    );
    expect((await request({ port, path: '/status/418' })).status).toBe(418);
    expect((await request({ port, path: '/download?bytes=100001&ms=20' })).bytes).toHaveLength(100_001);
    expect((await request({ port, path: '/sse?ms=1&count=2' })).body).toBe(
      'id: 1\ndata: event 1\n\nid: 2\ndata: event 2\n\n',
    );

    const socket = new WebSocket(`ws://127.0.0.1:${port}/room`);
    const echo = await new Promise((resolve, reject) => {
      socket.once('open', () => socket.send('hello')).once('message', (data) => resolve(data.toString()));
      socket.once('error', reject);
    });
    expect(echo).toBe('echo: hello');
    expect(upstream.seen).toContain('GET /room');
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    upstream.cut();
    expect(await closed).toBe(1006);
    await eventually(() => upstream.connections() === 0);
  });

  it('gives up on a request at its deadline', async () => {
    await using upstream = await startUpstream();
    const late = request({ port: upstream.port, path: '/slow?ms=60000', timeoutMs: 50 });
    await expect(late).rejects.toThrow('not answered within 50 ms');
  });
});
