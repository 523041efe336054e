/** Network sandboxes on a real engine. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { type DockerDaemon, eventually, startDockerDaemon } from '@spawner/testkit';
import { buildImage } from '../../deploy/images/build.ts';
import { type AgentWorld, startAgentWorld } from './agent-harness.ts';
import { type HeldEngine, holdEngine } from './held-engine.ts';

const { READY, TERMINATED } = BackendState;
/** More than backends start within 20 s here, so the demand is always the resting number. */
const SANDBOXES = 8;
/** The agent reconciles every 10 s, and a stranger has to be seen twice. */
const RECONCILED_WITHIN_MS = 60_000;

const FORMAT = '{{.ID}} {{.State}} {{.Label "dev.spawner.backend"}}';

describe('network sandboxes', () => {
  let engine: DockerDaemon;
  let held: HeldEngine;
  let world: AgentWorld;

  beforeAll(async () => {
    engine = await startDockerDaemon({ liveRestore: true });
    await buildImage({ name: 'probe', socketPath: engine.socketPath });
    held = await holdEngine(engine.socketPath);
    world = await startAgentWorld({
      SPAWNER_AGENT_RUNTIME: 'docker',
      SPAWNER_AGENT_DOCKER_SOCKET: held.socketPath,
      SPAWNER_AGENT_DOCKER_SUBNET: '10.243.9.0/24',
      SPAWNER_AGENT_SANDBOXES: String(SANDBOXES),
      SPAWNER_AGENT_SANDBOXES_CPU_PERCENT: '100',
    });
  });

  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await held?.[Symbol.asyncDispose]();
    await engine?.stop();
  });

  beforeEach(async () => {
    held.before = () => undefined;
    await eventually(async () => (await holders()).length === SANDBOXES, { timeoutMs: RECONCILED_WITHIN_MS });
  });

  afterEach(async () => {
    held.before = () => undefined;
    for (const { backend } of await containers()) if (backend) await world.stop(backend, { force: true });
    await eventually(async () => (await containers()).every(({ backend }) => !backend), {
      timeoutMs: RECONCILED_WITHIN_MS,
    });
  });

  const docker = async (...args: string[]) =>
    (await promisify(execFile)('docker', ['-H', `unix://${engine.socketPath}`, ...args])).stdout.trim();
  /** Every container of the engine. The holders have no backend. */
  const containers = async () =>
    (await docker('ps', '--all', '--no-trunc', '--format', FORMAT))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(' '))
      .map(([id = '', state = '', backend = '']) => ({ id, state, backend }));
  const holders = async () =>
    (await containers()).filter(({ state, backend }) => state === 'running' && !backend).map(({ id }) => id);
  const networkMode = (id: string) =>
    docker('inspect', '--format', '{{.HostConfig.NetworkMode}}', `spawner-${id}`);
  const holderOf = async (id: string) => (await networkMode(id)).replace('container:', '');
  const addressOf = async (id: string) => (await world.reaches(id, READY)).local ?? { host: '', port: 0 };
  const get = async (id: string, path: string) => {
    const { host, port } = await addressOf(id);
    return (await fetch(`http://${host}:${port}${path}`)).text();
  };
  const settled = async () =>
    eventually(
      async () => {
        const all = await containers();
        const modes = await Promise.all(
          all.flatMap(({ backend }) => (backend ? [networkMode(backend)] : [])),
        );
        const joined = modes.filter((mode) => mode.startsWith('container:')).length;
        const expected = SANDBOXES + joined + modes.length;
        if (all.length !== expected || all.some(({ state }) => state !== 'running'))
          throw new Error(JSON.stringify(all));
      },
      { timeoutMs: RECONCILED_WITHIN_MS },
    );

  it('are used by programs, each by one, and are removed with them', async () => {
    const before = await holders();
    const ids = await Promise.all(['one', 'two'].map((name) => world.place({ env: { NAME: name } })));
    expect(await Promise.all(ids.map((id) => get(id, '/name')))).toEqual(['one', 'two']);
    const used = await Promise.all(ids.map(holderOf));
    expect(new Set(used).size).toBe(2);
    expect(before).toEqual(expect.arrayContaining(used));
    for (const id of ids) await world.stop(id);
    for (const id of ids) await world.reaches(id, TERMINATED);
    expect(await holders()).not.toEqual(expect.arrayContaining([used[0]]));
    await settled();
  });

  it('are as small as a container can be, and belong to no backend', async () => {
    const [holder = ''] = await holders();
    const [inspected] = JSON.parse(await docker('inspect', holder));
    expect(inspected.HostConfig).toMatchObject({
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      PidsLimit: 4,
      LogConfig: { Type: 'none' },
      RestartPolicy: { Name: 'no' },
    });
    const before = performance.now();
    await docker('stop', holder);
    expect(performance.now() - before).toBeLessThan(5_000);
    await settled();
  });

  it("show the agent the kernel's connections, so that they keep a backend alive", async () => {
    const id = await world.place({ idleTimeoutMs: 1_000 });
    const { host, port } = await addressOf(id);
    expect(await networkMode(id)).toMatch(/^container:/);
    const socket = connect(port, host);
    await once(socket, 'connect');
    await eventually(() => (world.scheduler.suspensions.get(id)?.past.length ?? 0) >= 2);
    expect(new Set(world.scheduler.suspensions.get(id)?.past)).toEqual(new Set(['open']));
    expect(world.agent.output()).not.toContain('cannot be seen from here');
    socket.destroy();
    expect(await world.reaches(id, TERMINATED)).toMatchObject({ endReason: EndReason.IDLE });
  });

  it('end a backend with a reason if their holder dies under it, and are replaced', async () => {
    const id = await world.place({});
    await addressOf(id);
    await docker('kill', await holderOf(id));
    expect(await world.reaches(id, TERMINATED)).toMatchObject({
      endReason: EndReason.FAILED,
      endDetail: 'its network was removed from outside',
    });
    const [ready = ''] = await holders();
    await docker('rm', '--force', ready);
    await settled();
  });

  it('survive a crash of the agent: those in use stay, and unused ones are taken over', async () => {
    const id = await world.place({ env: { NAME: 'kept' } });
    const before = await addressOf(id);
    const used = await holderOf(id);
    const all = await holders();
    await world.crash();
    await world.restart();
    expect(await get(id, '/name')).toBe('kept');
    await settled();
    expect(await holders()).toEqual(expect.arrayContaining(all));
    expect((await world.reaches(id, READY)).local).toEqual(before);
    await world.stop(id);
    await world.reaches(id, TERMINATED);
    expect(await holders()).not.toContain(used);
  });

  it.each([
    ['between taking one and creating the container', 'POST /containers/create?name=spawner-', 'POST'],
    ['between creating and starting the container', '/start', 'POST'],
    ['between the removals of the container and of the holder', 'DELETE', 'DELETE'],
  ])('are used once and not left behind by an agent that is killed %s', async (_, part, method) => {
    const reached = Promise.withResolvers<void>();
    let removals = 0;
    const isDue = (line: string) => {
      if (!line.startsWith(method) || !line.includes(part) || line.includes('spawner-sandbox')) return false;
      // The first removal is the container's, and the second its holder's.
      return method !== 'DELETE' || ++removals === 2;
    };
    held.before = (line) => {
      if (!isDue(line)) return undefined;
      reached.resolve();
      return new Promise(() => {});
    };
    const id = await world.place({ env: { NAME: 'once' } });
    if (method === 'DELETE') {
      await addressOf(id);
      await world.stop(id, { force: true });
    }
    await reached.promise;
    const taken = await readdir(join(world.state.path, 'sandboxes'));
    await world.crash();
    held.before = () => undefined;
    await world.restart();
    if (method === 'DELETE') await world.reaches(id, TERMINATED);
    else expect(await get(id, '/name')).toBe('once');
    expect(taken).toHaveLength(1);
    const isGone = async () => expect(await holders()).not.toContain(taken[0]);
    await eventually(isGone, { timeoutMs: RECONCILED_WITHIN_MS });
    await settled();
  });

  it('of another drone or cluster are left alone, and own ones on another network are removed', async () => {
    const own = { cluster: `test-${process.pid}`, drone: world.scheduler.node?.id ?? '' };
    const make = ({ cluster = own.cluster, drone = own.drone }) => {
      const labels = { managed: 'true', cluster, drone, sandbox: 'true' };
      const flags = Object.entries(labels).flatMap(([name, value]) => [
        '--label',
        `dev.spawner.${name}=${value}`,
      ]);
      return docker('run', '--detach', '--network', 'none', ...flags, 'spawner/holder:1', '/holder');
    };
    const [drones, clusters, stray] = [
      await make({ drone: 'another' }),
      await make({ cluster: 'another' }),
      await make({}),
    ];
    await eventually(async () => !(await holders()).includes(stray), { timeoutMs: RECONCILED_WITHIN_MS });
    expect(await holders()).toEqual(expect.arrayContaining([drones, clusters]));
    await docker('rm', '--force', drones, clusters);
    await settled();
  });

  it('survive a restart of the engine, with a death in between', async () => {
    const [kept, lost] = await Promise.all(
      ['kept', 'lost'].map((name) => world.place({ env: { NAME: name } })),
    );
    await Promise.all([kept, lost].map((id) => addressOf(id ?? '')));
    const pid = await docker('inspect', '--format', '{{.State.Pid}}', await holderOf(lost ?? ''));
    const restarted = engine.restart();
    process.kill(Number(pid), 'SIGKILL');
    await restarted;
    expect(await world.reaches(lost ?? '', TERMINATED, RECONCILED_WITHIN_MS)).toMatchObject({
      endReason: EndReason.FAILED,
      endDetail: 'its network was removed from outside',
    });
    expect(await get(kept ?? '', '/name')).toBe('kept');
    await settled();
    const later = await world.place({ env: { NAME: 'later' } });
    expect(await get(later, '/name')).toBe('later');
  });

  it('are made again after their image was pruned', async () => {
    const pruned = Promise.withResolvers<void>();
    held.before = (line) => (line.includes('name=spawner-sandbox') ? pruned.promise : undefined);
    // A holder whose creation was under way may still appear.
    await eventually(async () => {
      const made = await docker('ps', '--all', '--quiet', '--filter', 'ancestor=spawner/holder:1');
      for (const holder of made.split('\n').filter(Boolean)) await docker('rm', '--force', holder);
      await docker('rmi', 'spawner/holder:1');
    });
    pruned.resolve();
    await settled();
  });
});
