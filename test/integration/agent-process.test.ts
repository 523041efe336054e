import { once } from 'node:events';
import { connect } from 'node:net';
import { SUBJECTS } from '@spawner/bus';
import { Node, NodeKind } from '@spawner/proto/internal/node';
import { SettleOutcome } from '@spawner/proto/internal/scheduler_service';
import type { BackendStats, DroneHeartbeat } from '@spawner/proto/internal/telemetry';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { eventually, request, type TempDir, tempDir } from '@spawner/testkit';
import { installProgram } from '../../deploy/images/program.ts';
import { type AgentWorld, startAgentWorld, statesOf } from './agent-harness.ts';

const { SCHEDULED, LOADING, STARTING, WAITING, READY, TERMINATING, TERMINATED } = BackendState;
const { OPEN } = SettleOutcome;

describe('an agent with plain processes', () => {
  let programs: TempDir;
  let world: AgentWorld;

  beforeAll(async () => {
    programs = await tempDir('programs');
    installProgram({ name: 'probe', directory: programs.path });
    world = await startAgentWorld({
      SPAWNER_AGENT_LOGS_ON_BUS: 'true',
      SPAWNER_AGENT_RUNTIME: 'process',
      SPAWNER_AGENT_PROGRAMS_DIR: programs.path,
      SPAWNER_AGENT_REGION: 'here',
    });
  });

  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await programs?.stop();
  });

  const get = async (id: string, path: string) => {
    const { local } = await world.reaches(id, READY);
    return (await fetch(`http://${local?.host}:${local?.port}${path}`)).text();
  };
  /** Uses no keep-alive connection. */
  const fetchOnce = async (id: string, path: string) => {
    const { local } = await world.reaches(id, READY);
    return (await request({ port: local?.port ?? 0, host: 'x', path })).body;
  };
  const startsAndReports = async (spec: Parameters<AgentWorld['place']>[0]) => {
    const id = await world.place(spec);
    await world.reaches(id, READY);
    return id;
  };

  it('registers with its kind and capacity', () => {
    expect(world.scheduler.node).toMatchObject({ region: 'here', runtime: 'process', backends: 1_000 });
    expect(world.scheduler.node?.id).toMatch(/^drone-[a-z0-9]{8}$/);
  });

  it('takes two backends to READY, each with its own environment and port', async () => {
    const [one, two] = await Promise.all([
      world.place({ env: { NAME: 'one' } }),
      world.place({ env: { NAME: 'two' } }),
    ]);
    expect(await get(one, '/name')).toBe('one');
    expect(await get(two, '/name')).toBe('two');
    const status = await world.reaches(one, READY);
    expect(statesOf(status)).toEqual([SCHEDULED, LOADING, STARTING, WAITING, READY]);
    expect(status.events.map(({ revision }) => revision)).toEqual([1, 2, 3, 4, 5]);
    expect(JSON.parse(await get(two, '/env'))).toMatchObject({ SPAWNER_BACKEND_ID: two, NAME: 'two' });
    await Promise.all([world.stop(one), world.stop(two, { force: true })]);
    const ended = await world.reaches(one, TERMINATED);
    expect(statesOf(ended).slice(-2)).toEqual([TERMINATING, TERMINATED]);
    expect(ended).toMatchObject({ endReason: EndReason.REQUESTED, exitCode: 0, endDetail: '' });
    expect(ended.lastLogs.at(-1)).toBe('probe exits with 0');
    const killed = { exitCode: 137, endDetail: 'its program was killed at once' };
    expect(await world.reaches(two, TERMINATED)).toMatchObject(killed);
  });

  it('refuses another registration, a wrong id, and an id that has ended', async () => {
    const id = await startsAndReports({});
    await world.stop(id, { force: true });
    await world.reaches(id, TERMINATED);
    const request = { id, placement: 1, spec: undefined, createTime: undefined };
    const present = 1_000 + world.scheduler.registrations;
    await expect(world.client.startBackend({ ...request, registration: 3 })).rejects.toMatchObject({
      code: 'failed_precondition',
    });
    await expect(world.client.startBackend({ ...request, registration: present })).rejects.toMatchObject({
      code: 'failed_precondition',
      message: 'this backend has ended here',
    });
    await expect(
      world.client.startBackend({ ...request, id: '../x', registration: present }),
    ).rejects.toMatchObject({ code: 'invalid' });
  });

  it('distinguishes a program that ends before it is ready, one that fails later and one that exits with 0', async () => {
    const [early, failed, well] = await Promise.all([
      world.place({ env: { EXIT_CODE: '4', LISTEN: 'false' } }),
      world.place({}),
      world.place({}),
    ]);
    await Promise.all([get(failed, '/exit/5'), get(well, '/exit/0')]);
    const told = await Promise.all([early, failed, well].map((id) => world.reaches(id, TERMINATED)));
    expect(told.map(({ endReason, exitCode }) => [endReason, exitCode])).toEqual([
      [EndReason.START_ERROR, 4],
      [EndReason.FAILED, 5],
      [EndReason.EXITED, 0],
    ]);
    expect(told[0]?.lastLogs.at(-1)).toBe('probe exits with 4');
    expect(told[1]?.lastLogs.at(-1)).toBe('probe exits with 5');
  });

  it('ends a program that never listens, and names a program that is not allowed', async () => {
    const [silent, missing] = await Promise.all([
      world.place({ env: { LISTEN: 'false' }, startupTimeoutMs: 2_500 }),
      world.place({ image: 'somewhere/else:1' }),
    ]);
    expect(await world.reaches(silent, TERMINATED)).toMatchObject({
      endReason: EndReason.STARTUP_TIMEOUT,
      lastLogs: ['probe does not listen', 'probe exits with 0'],
    });
    expect(await world.reaches(missing, TERMINATED)).toMatchObject({
      endReason: EndReason.LOAD_ERROR,
      endDetail: 'no program named else is allowed on this drone',
    });
  });

  it('waits for the grace of a program that ignores its stop signal, then kills it', async () => {
    const id = await startsAndReports({ env: { IGNORE_SIGTERM: 'true' }, stopGraceMs: 700 });
    const began = performance.now();
    await world.stop(id);
    const ended = await world.reaches(id, TERMINATED);
    const endDetail = 'its program did not stop within its grace of 700 ms and was killed';
    expect(ended).toMatchObject({ endReason: EndReason.REQUESTED, exitCode: 137, endDetail });
    expect(statesOf(ended).slice(-2)).toEqual([TERMINATING, TERMINATED]);
    expect(performance.now() - began).toBeGreaterThan(650);
  });

  it('ends for its lifetime limit', async () => {
    const id = await world.place({ lifetimeLimitMs: 500, idleTimeoutMs: 0 });
    expect(await world.reaches(id, TERMINATED)).toMatchObject({ endReason: EndReason.LIFETIME });
  });

  it('streams a log from its start to its end, and the last lines on the bus', async () => {
    const heard: string[] = [];
    const subscription = world.bus.subscribe(SUBJECTS.backendLog, undefined, ({ id: of, line }) =>
      heard.push(`${of} ${line?.text}`),
    );
    const id = await world.place({ env: { START_DELAY_MS: '100' } });
    const lines: string[] = [];
    const tailing = (async () => {
      for await (const { line } of world.client.tailLogs({ id, follow: true })) lines.push(line?.text ?? '');
    })();
    await get(id, '/log?text=hello');
    await eventually(() => lines.includes('hello'));
    await get(id, '/exit/0');
    await tailing;
    expect(lines).toEqual([expect.stringMatching(/^probe listening on /), 'hello', 'probe exits with 0']);
    await eventually(() => heard.includes(`${id} probe exits with 0`));
    subscription.close();
  });

  it('publishes stats of a busy program', async () => {
    const samples: BackendStats[] = [];
    const subscription = world.bus.subscribe(SUBJECTS.backendStats, undefined, (sample) =>
      samples.push(sample),
    );
    const id = await startsAndReports({});
    // Repeated, because on a busy machine the program gets only a part of the processor.
    await eventually(async () => {
      await get(id, '/burn?ms=500');
      return samples.some((sample) => sample.id === id && sample.cpuPercent > 10);
    });
    expect(samples.find((sample) => sample.id === id)?.memoryBytes).toBeGreaterThan(10_000_000);
    await world.stop(id, { force: true });
    await world.reaches(id, TERMINATED);
    subscription.close();
  });

  it('remembers a stop that overtook its start, and reports the end', async () => {
    const stray = 'a'.repeat(26);
    world.scheduler.stops = [{ id: stray, force: false, reason: EndReason.REQUESTED }];
    expect(await world.reaches(stray, TERMINATED)).toMatchObject({ endReason: EndReason.REQUESTED });
    world.scheduler.stops = [];
    const start = world.client.startBackend({
      id: stray,
      registration: 1_000 + world.scheduler.registrations,
      placement: 1,
    });
    await expect(start).rejects.toMatchObject({ code: 'failed_precondition' });
  });

  it('reports everything again to a scheduler that has forgotten it', async () => {
    const id = await startsAndReports({ env: { SECRET: 'x' }, labels: { team: 'red' } });
    world.scheduler.statuses.clear();
    world.scheduler.forget = true;
    await world.reaches(id, READY);
    const entry = world.scheduler.inventory.find(({ status }) => status?.id === id);
    expect(entry).toMatchObject({ placement: 7, spec: { labels: { team: 'red' }, idleTimeoutMs: 300_000 } });
    expect(JSON.stringify(entry)).not.toContain('SECRET');
    await world.stop(id, { force: true });
    await world.reaches(id, TERMINATED);
  });

  describe('idleness', () => {
    it('ends by the clock if there is no proxy at all', async () => {
      const id = await world.place({ idleTimeoutMs: 400 });
      expect(await world.reaches(id, TERMINATED)).toMatchObject({ endReason: EndReason.IDLE });
    });

    it('ends only the one of two backends that no proxy has a connection to', async () => {
      const proxy = world.addProxy('proxy-a');
      await eventually(async () => {
        const probe = await world.place({ idleTimeoutMs: 200 });
        await world.reaches(probe, TERMINATED);
        return proxy.asked.includes(probe);
      });
      proxy.answer = { open: 1, ageMs: 0 };
      const used = await startsAndReports({ idleTimeoutMs: 500 });
      await eventually(() => proxy.asked.filter((id) => id === used).length >= 2);
      expect(world.scheduler.statuses.get(used)?.state).toBe(READY);

      const heartbeats: DroneHeartbeat[] = [];
      const subscription = world.bus.subscribe(SUBJECTS.droneHeartbeat, undefined, (heartbeat) =>
        heartbeats.push(heartbeat),
      );
      await eventually(() => {
        proxy.report(used, 3);
        const activity = heartbeats.at(-1)?.backends.find(({ id }) => id === used)?.activity;
        return activity?.openConnections === 3 && activity.idleRemainingMs === undefined;
      });
      subscription.close();

      proxy.answer = undefined;
      await eventually(() => proxy.asked.filter((id) => id === used).length >= 4);
      expect(world.scheduler.statuses.get(used)?.state).toBe(READY);
      proxy.answer = { open: 0, ageMs: 60_000 };
      expect(await world.reaches(used, TERMINATED)).toMatchObject({ endReason: EndReason.IDLE });
      expect(world.scheduler.suspensions.get(used)?.past.at(-1)).toBe('ended');
      world.scheduler.proxies = [];
    });

    it('resumes for a request that arrives during the settlement, and the session continues', async () => {
      const proxy = world.addProxy('proxy-b');
      const outcomes: number[] = [];
      let began = 0;
      proxy.onAsked = (id, epoch) => {
        if (outcomes.length > 0) return;
        began = performance.now();
        // The request comes just after this answer, so the proxy reaches the store first.
        outcomes.push(world.scheduler.resume(id, epoch));
      };
      const id = await startsAndReports({ idleTimeoutMs: 2_000, env: { NAME: 'served' } });
      await eventually(() => outcomes.length === 1);
      expect(await fetchOnce(id, '/name')).toBe('served');
      expect(world.scheduler.suspensions.get(id)?.past).toEqual(['open']);
      await world.reaches(id, TERMINATED);
      // The idle clock has restarted.
      expect(performance.now() - began).toBeGreaterThan(1_900);
      expect([outcomes, world.scheduler.suspensions.get(id)?.past]).toEqual([[OPEN], ['open', 'ended']]);
      world.scheduler.proxies = [];
    });

    it('resumes for a request that a proxy holds', async () => {
      const proxy = world.addProxy('proxy-c');
      proxy.held = 1;
      const id = await startsAndReports({ idleTimeoutMs: 400 });
      await eventually(() => (world.scheduler.suspensions.get(id)?.past.length ?? 0) >= 2);
      expect(new Set(world.scheduler.suspensions.get(id)?.past)).toEqual(new Set(['open']));
      proxy.held = 0;
      expect(await world.reaches(id, TERMINATED)).toMatchObject({ endReason: EndReason.IDLE });
      world.scheduler.proxies = [];
    });

    it('resumes if a proxy does not answer', async () => {
      const { node } = world.scheduler;
      world.scheduler.proxies.push(
        Node.fromPartial({ kind: NodeKind.PROXY, id: 'silent', droneId: node?.id ?? '' }),
      );
      const id = await startsAndReports({ idleTimeoutMs: 300 });
      await eventually(() => (world.scheduler.suspensions.get(id)?.past.length ?? 0) >= 2);
      expect(world.scheduler.statuses.get(id)?.state).toBe(READY);
      world.scheduler.proxies = [];
      expect(await world.reaches(id, TERMINATED)).toMatchObject({ endReason: EndReason.IDLE });
    });

    it('resumes if the kernel sees a connection, whatever the proxies answer', async () => {
      const proxy = world.addProxy('proxy-d');
      // The held request keeps the backend until the connection is established.
      proxy.held = 1;
      const id = await startsAndReports({ idleTimeoutMs: 300 });
      const { local } = await world.reaches(id, READY);
      const socket = connect(local?.port ?? 0, local?.host);
      await once(socket, 'connect');
      proxy.held = 0;
      const past = () => world.scheduler.suspensions.get(id)?.past ?? [];
      const before = past().length;
      // The next settlement may also have got its answers before the change.
      await eventually(() => past().length >= before + 3);
      expect(new Set(past())).toEqual(new Set(['open']));
      socket.destroy();
      expect(await world.reaches(id, TERMINATED)).toMatchObject({ endReason: EndReason.IDLE });
      world.scheduler.proxies = [];
    });
  });

  describe('a restart', () => {
    it('ends no session, and keeps clocks, logs and exit codes', async () => {
      const idle = await startsAndReports({ idleTimeoutMs: 4_000, env: { NAME: 'idle' } });
      const kept = await startsAndReports({ env: { NAME: 'kept' } });
      const drone = world.scheduler.node?.id;
      await world.crash();
      expect(await get(kept, '/name')).toBe('kept');
      await world.restart();
      expect(world.scheduler.node?.id).toBe(drone);
      expect(await get(kept, '/name')).toBe('kept');
      await get(kept, '/log?text=after');
      const lines: string[] = [];
      for await (const { line } of world.client.tailLogs({ id: kept, follow: false }))
        lines.push(line?.text ?? '');
      expect(lines).toEqual([expect.stringMatching(/^probe listening/), 'after']);
      expect(await world.reaches(idle, TERMINATED)).toMatchObject({ endReason: EndReason.IDLE });
      await get(kept, '/exit/6');
      expect(await world.reaches(kept, TERMINATED)).toMatchObject({
        endReason: EndReason.FAILED,
        exitCode: 6,
      });
    });

    it('notices an end that happened while there was no agent', async () => {
      const id = await startsAndReports({});
      await world.crash();
      await get(id, '/exit/7');
      await world.restart();
      expect(await world.reaches(id, TERMINATED)).toMatchObject({
        endReason: EndReason.FAILED,
        exitCode: 7,
        lastLogs: expect.arrayContaining(['probe exits with 7']),
      });
    });
  });
});
