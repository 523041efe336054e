import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SUBJECTS } from '@spawner/bus';
import type { BackendStats } from '@spawner/proto/internal/telemetry';
import { BackendState, EndReason, PullPolicy } from '@spawner/proto/v1/backend';
import { LogStream } from '@spawner/proto/v1/backend_service';
import { type Docker, eventually, startDocker } from '@spawner/testkit';
import { buildImage } from '../../deploy/images/build.ts';
import { removeLabelled } from '../../deploy/local/parts/docker.ts';
import { type AgentWorld, startAgentWorld, statesOf } from './agent-harness.ts';

const { SCHEDULED, LOADING, STARTING, WAITING, READY, TERMINATED } = BackendState;

describe('an agent with Docker', () => {
  const cluster = `test-${process.pid}`;
  let engine: Docker;
  let world: AgentWorld;
  const docker = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)('docker', ['-H', `unix://${engine.socketPath}`, ...args]);
    return stdout.trim();
  };
  /** The containers of backends. Sandboxes have tests of their own. */
  const ours = async () => {
    const labels = [`label=dev.spawner.cluster=${cluster}`, 'label=dev.spawner.backend'];
    const list = ['ps', '--all', '--format', '{{.Names}}', ...labels.flatMap((label) => ['--filter', label])];
    return (await docker(...list)).split('\n').filter((name) => name !== '');
  };

  beforeAll(async () => {
    engine = await startDocker();
    await buildImage({ name: 'probe', socketPath: engine.socketPath });
    world = await startAgentWorld({
      SPAWNER_AGENT_RUNTIME: 'auto',
      SPAWNER_AGENT_DOCKER_SOCKET: engine.socketPath,
      SPAWNER_AGENT_DOCKER_SUBNET: '10.241.7.0/24',
      SPAWNER_AGENT_PUBLISH_ADDRESS: '127.0.0.1',
    });
  });

  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await removeLabelled(engine.socketPath, `dev.spawner.cluster=${cluster}`);
    await engine?.stop();
  });

  const startsAndReports = async (spec: Parameters<AgentWorld['place']>[0]) => {
    const id = await world.place(spec);
    await world.reaches(id, READY);
    return id;
  };
  const get = async (id: string, path: string, endpoint: 'local' | 'network' = 'local') => {
    const status = await world.reaches(id, READY);
    const { host, port } = status[endpoint] ?? {};
    return (await fetch(`http://${host}:${port}${path}`)).text();
  };
  const inspect = async (id: string) => JSON.parse(await docker('inspect', `spawner-${id}`))[0];

  it('takes two containers to READY, each reached at its own address and at a published port', async () => {
    expect(world.scheduler.node?.runtime).toBe('docker');
    const [one, two] = await Promise.all([
      world.place({ env: { NAME: 'one' } }),
      world.place({ env: { NAME: 'two' }, port: 9_000, readiness: { httpPath: '/name' } }),
    ]);
    expect(await get(one, '/name')).toBe('one');
    expect(await get(two, '/name')).toBe('two');
    expect(await get(one, '/name', 'network')).toBe('one');
    expect(await get(two, '/name', 'network')).toBe('two');
    const status = await world.reaches(two, READY);
    expect(status.local).toEqual({ host: expect.stringMatching(/^10\.241\.7\./), port: 9_000 });
    expect(statesOf(status)).toEqual([SCHEDULED, LOADING, STARTING, WAITING, READY]);
    await Promise.all([one, two].map((id) => world.stop(id)));
    const ended = await Promise.all([one, two].map((id) => world.reaches(id, TERMINATED)));
    expect(ended.map(({ endReason, exitCode }) => [endReason, exitCode])).toEqual([
      [EndReason.REQUESTED, 0],
      [EndReason.REQUESTED, 0],
    ]);
    expect(await ours()).toEqual([]);
  });

  it('limits a container as its spec demands, and labels it', async () => {
    const id = await startsAndReports({
      labels: { team: 'red' },
      resources: { cpuMillis: 500, memoryBytes: 128 * 1024 * 1024, pids: 50 },
      stopSignal: 'SIGINT',
      args: [],
    });
    const { HostConfig, Config } = await inspect(id);
    expect(HostConfig).toMatchObject({
      NanoCpus: 500_000_000,
      Memory: 128 * 1024 * 1024,
      MemorySwap: 128 * 1024 * 1024,
      PidsLimit: 50,
      Init: true,
      SecurityOpt: ['no-new-privileges'],
    });
    expect(Config.StopSignal).toBe('SIGINT');
    expect(Config.Labels).toMatchObject({
      'dev.spawner.backend': id,
      'dev.spawner.drone': world.scheduler.node?.id,
      'dev.spawner.placement': '7',
      'dev.spawner.label.team': 'red',
    });
    await world.stop(id, { force: true });
    await world.reaches(id, TERMINATED);
  });

  it('distinguishes exit codes, ends before readiness, an unknown command and too much memory', async () => {
    const eat = 'const a = []; setInterval(() => a.push(Buffer.alloc(8 << 20, 1)), 5)';
    const [early, failed, well, unknown, hungry] = await Promise.all([
      world.place({ env: { EXIT_CODE: '4', LISTEN: 'false' } }),
      world.place({}),
      world.place({}),
      world.place({ command: ['/no/such/program'] }),
      world.place({
        command: ['node', '-e', eat],
        resources: { cpuMillis: 0, memoryBytes: 64 << 20, pids: 0 },
      }),
    ]);
    await Promise.all([get(failed, '/exit/5'), get(well, '/exit/0')]);
    const ids = [early, failed, well, unknown, hungry];
    const told = await Promise.all(ids.map((id) => world.reaches(id, TERMINATED)));
    expect(told.map(({ endReason, exitCode }) => [endReason, exitCode])).toEqual([
      [EndReason.START_ERROR, 4],
      [EndReason.FAILED, 5],
      [EndReason.EXITED, 0],
      [EndReason.START_ERROR, 127],
      [EndReason.START_ERROR, 137],
    ]);
    expect(told[0]?.lastLogs.at(-1)).toBe('probe exits with 4');
    expect(told[3]?.lastLogs.join()).toContain('/no/such/program');
    expect(told[4]?.outOfMemory).toBe(true);
    expect(told[1]?.outOfMemory).toBe(false);
    expect(await ours()).toEqual([]);
  });

  it.each([
    [
      'elsewhere',
      { HOST: '127.0.0.1' },
      'the program listens on 127.0.0.1:8080; it must listen on 0.0.0.0:8080',
    ],
    ['nowhere', { LISTEN: 'false' }, 'the program listens on no port; it must listen on 0.0.0.0:8080'],
  ])('says of a program that listens %s where it listens, and where it must', async (_, env, words) => {
    const id = await world.place({ env, startupTimeoutMs: 3_000, stopGraceMs: 100 });
    expect(await world.reaches(id, TERMINATED)).toMatchObject({
      endReason: EndReason.STARTUP_TIMEOUT,
      endDetail: expect.stringContaining(
        `no answer within 3000 ms of the start; ${words}, the port in $PORT`,
      ),
    });
  });

  it('sends the stop signal of the image, unless the spec names another', async () => {
    const image = 'spawner/probe-quits:latest';
    const base = await docker('create', '--stop-signal', 'SIGQUIT', 'spawner/probe:latest');
    await docker('commit', base, image);
    await docker('rm', base);
    const ids = await Promise.all([
      startsAndReports({ image }),
      startsAndReports({ image, stopSignal: 'SIGTERM' }),
    ]);
    await Promise.all(ids.map((id) => world.stop(id)));
    const ended = await Promise.all(ids.map((id) => world.reaches(id, TERMINATED)));
    // The probe leaves SIGQUIT to the kernel, and answers SIGTERM itself.
    expect(ended.map(({ exitCode }) => exitCode)).toEqual([131, 0]);
  });

  it('sends the stop signal to the program of a parent that waits for it, such as a shell', async () => {
    const say = 'setTimeout(() => { console.log("saved"); process.exit(0); }, 500)';
    const serve = `process.on("SIGTERM", () => ${say}); require("http").createServer().listen(8080, "0.0.0.0")`;
    const run = `require("child_process").spawn("node", ["-e", ${JSON.stringify(serve)}], { stdio: "inherit" })`;
    const command = ['node', '-e', `process.on("SIGTERM", () => {}); ${run}.once("exit", process.exit)`];
    const id = await startsAndReports({ command, stopGraceMs: 20_000 });
    await world.stop(id);
    const ended = await world.reaches(id, TERMINATED);
    expect([ended.exitCode, ended.endDetail, ended.lastLogs]).toEqual([0, '', ['saved']]);
  });

  describe('an image that is not present', () => {
    let registry: Server;
    const authorizations: string[] = [];
    const at = () => `127.0.0.1:${(registry.address() as AddressInfo).port}`;

    beforeAll(async () => {
      registry = createServer((request, response) => {
        const { authorization } = request.headers;
        if (!authorization)
          return response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end('{}');
        authorizations.push(Buffer.from(authorization.slice(6), 'base64').toString());
        if (request.url === '/v2/') return response.writeHead(200).end('{}');
        response.writeHead(404, { 'content-type': 'application/json' });
        response.end('{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "we have no such thing"}]}');
      });
      await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
    });

    afterAll(() => registry.close());

    it("ends as LOAD_ERROR with the registry's message; credentials are sent and not kept", async () => {
      const credentials = { username: 'ann', password: 'se:cret', identityToken: '' };
      const id = await world.place({ image: `${at()}/a/b:1`, credentials });
      const status = await world.reaches(id, TERMINATED);
      expect(status).toMatchObject({
        endReason: EndReason.LOAD_ERROR,
        endDetail: expect.stringMatching(/no such thing|manifest unknown|not found/i),
      });
      expect(status.endDetail).not.toContain('HTTP code');
      expect(authorizations).toContain('ann:se:cret');
    });

    it('that was removed since the last start is pulled again', async () => {
      const image = 'spawner/vanishing:latest';
      await docker('tag', 'spawner/probe:latest', image);
      const id = await startsAndReports({ image });
      await docker('rmi', '--force', image);
      const next = await world.place({ image });
      const status = await world.reaches(next, TERMINATED);
      expect([status.endReason, status.endDetail]).toEqual([
        EndReason.START_ERROR,
        expect.stringMatching(/\w{3,}/),
      ]);
      await world.stop(id, { force: true });
      await world.reaches(id, TERMINATED);
    });

    it('is not pulled if the policy is NEVER', async () => {
      const id = await world.place({ image: `${at()}/a/c`, pullPolicy: PullPolicy.NEVER });
      expect(await world.reaches(id, TERMINATED)).toMatchObject({
        endReason: EndReason.LOAD_ERROR,
        endDetail: expect.stringContaining('a/c:latest is not on this drone'),
      });
    });

    it('does not hang on a silent registry', async () => {
      // It reads, so that it sees the engine close.
      const silent = createTcpServer((socket) => socket.resume());
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
      const image = `127.0.0.1:${(silent.address() as AddressInfo).port}/a/d`;
      const [late, stopped] = [
        await world.place({ image, pullTimeoutMs: 1_000 }),
        await world.place({ image }),
      ];
      await world.reaches(stopped, LOADING);
      await world.stop(stopped);
      expect(await world.reaches(stopped, TERMINATED)).toMatchObject({ endReason: EndReason.REQUESTED });
      expect(await world.reaches(late, TERMINATED)).toMatchObject({
        endReason: EndReason.LOAD_ERROR,
        endDetail: 'the image was not present within 1000 ms',
      });
      silent.close();
    });
  });

  it('streams both outputs with their times, then the last lines again from a later call', async () => {
    const id = await world.place({});
    const lines: [LogStream, string][] = [];
    const tailing = (async () => {
      for await (const { line } of world.client.tailLogs({ id, follow: true }))
        lines.push([line?.stream ?? LogStream.UNSPECIFIED, line?.text ?? '']);
    })();
    await get(id, '/log?text=out');
    // The engine reads the two outputs independently.
    await eventually(() => lines.length === 2);
    await get(id, '/log?text=err&stream=stderr');
    await eventually(() => lines.length === 3);
    expect(lines).toEqual([
      [LogStream.STDOUT, 'probe listening on 8080'],
      [LogStream.STDOUT, 'out'],
      [LogStream.STDERR, 'err'],
    ]);
    const last: Date[] = [];
    for await (const { line } of world.client.tailLogs({ id, follow: false, tailLines: 1 }))
      if (line?.time) last.push(line.time);
    expect(last).toHaveLength(1);
    expect(Math.abs(Date.now() - (last[0]?.getTime() ?? 0))).toBeLessThan(60_000);
    await get(id, '/exit/0');
    await tailing;
    expect(lines.at(-1)?.[1]).toBe('probe exits with 0');
  });

  it("publishes a busy container's stats", async () => {
    const samples: BackendStats[] = [];
    const subscription = world.bus.subscribe(SUBJECTS.backendStats, undefined, (sample) =>
      samples.push(sample),
    );
    const id = await startsAndReports({ resources: { cpuMillis: 0, memoryBytes: 256 << 20, pids: 0 } });
    // Repeated, because on a busy machine the program gets only a part of the processor.
    const sample = await eventually(async () => {
      await get(id, '/burn?ms=500');
      const found = samples.find((one) => one.id === id && one.cpuPercent > 10);
      if (!found) throw new Error('no sample of a busy container');
      return found;
    });
    expect(sample.memoryBytes).toBeGreaterThan(5_000_000);
    expect(sample.memoryPercent).toBeCloseTo((sample.memoryBytes / (256 << 20)) * 100, 3);
    subscription.close();
    await world.stop(id, { force: true });
    await world.reaches(id, TERMINATED);
  });

  it('gives a program its key, whatever its text, and its fence; an inventory has the key', async () => {
    const key = { namespace: 'rooms', name: 'a=b\n{}*"$HOME 🙂', tag: 'v1' };
    const id = await world.place({ env: { SPAWNER_FENCE: '9' } }, key);
    expect(JSON.parse(await get(id, '/env'))).toMatchObject({
      SPAWNER_KEY: key.name,
      SPAWNER_KEY_NAMESPACE: 'rooms',
      SPAWNER_FENCE: '7',
    });
    const { backends } = await world.client.listBackends({});
    expect(backends.find(({ status }) => status?.id === id)).toMatchObject({ key, placement: 7 });
    await world.stop(id, { force: true });
    await world.reaches(id, TERMINATED);
  });

  it('survives a crash of the agent: the session, its address, its idle clock, and an end in between', async () => {
    const [kept, idle, gone] = await Promise.all([
      startsAndReports({ env: { NAME: 'kept' } }),
      startsAndReports({ idleTimeoutMs: 4_000 }),
      startsAndReports({}),
    ]);
    const before = await world.reaches(kept, READY);
    const startedAt = (await inspect(kept)).State.StartedAt;
    await world.crash();
    await get(gone, '/exit/9');
    expect(await get(kept, '/name')).toBe('kept');
    await world.restart();
    expect(await world.reaches(gone, TERMINATED)).toMatchObject({
      endReason: EndReason.FAILED,
      exitCode: 9,
      lastLogs: expect.arrayContaining(['probe exits with 9']),
    });
    expect(await world.reaches(idle, TERMINATED)).toMatchObject({ endReason: EndReason.IDLE });
    expect((await inspect(kept)).State.StartedAt).toBe(startedAt);
    expect((await world.reaches(kept, READY)).local).toEqual(before.local);
    await world.stop(kept);
    await world.reaches(kept, TERMINATED);
    expect(await ours()).toEqual([]);
  });

  it("is kept by a connection in the container's own network namespace, and by no other", async () => {
    const used = await startsAndReports({ idleTimeoutMs: 2_000 });
    const { local } = await world.reaches(used, READY);
    const socket = connect(local?.port ?? 0, local?.host);
    await once(socket, 'connect');
    const unused = await startsAndReports({ idleTimeoutMs: 1_000 });
    expect(await world.reaches(unused, TERMINATED)).toMatchObject({ endReason: EndReason.IDLE });
    await eventually(() => (world.scheduler.suspensions.get(used)?.past.length ?? 0) >= 2);
    expect(new Set(world.scheduler.suspensions.get(used)?.past)).toEqual(new Set(['open']));
    expect(world.agent.output()).not.toContain('cannot be seen from here');
    socket.destroy();
    expect(await world.reaches(used, TERMINATED)).toMatchObject({ endReason: EndReason.IDLE });
  });

  it('notices a container that was removed from outside', async () => {
    const [removed, other] = await Promise.all([startsAndReports({}), startsAndReports({})]);
    await docker('rm', '--force', `spawner-${removed}`);
    expect(await world.reaches(removed, TERMINATED)).toMatchObject({ endReason: EndReason.FAILED });
    expect(world.scheduler.statuses.get(other)?.state).toBe(READY);
    await world.stop(other, { force: true });
    await world.reaches(other, TERMINATED);
  });

  it('keeps secrets in files that only it can read, and forgets acknowledged ends', async () => {
    const id = await startsAndReports({ env: { SECRET: 'hidden' } });
    const file = join(world.state.path, 'backends', `${id}.json`);
    expect(await readFile(file, 'utf8')).toContain('hidden');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(world.state.path)).mode & 0o777).toBe(0o700);
    await world.stop(id, { force: true });
    await world.reaches(id, TERMINATED);
    await eventually(() =>
      readFile(file).then(
        () => false,
        () => true,
      ),
    );
    await eventually(async () => (await readFile(join(world.state.path, 'ended'), 'utf8')).includes(id));
  });
});
