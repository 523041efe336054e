import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { SUBJECTS } from '@spawner/bus';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { askDocker, type DockerDaemon, eventually, startDockerDaemon } from '@spawner/testkit';
import { buildImage } from '../../deploy/images/build.ts';
import { type AgentWorld, startAgentWorld } from './agent-harness.ts';

const { READY, TERMINATED } = BackendState;
/** The states of all backends are true again this long after the engine has returned. */
const TRUE_WITHIN_MS = 5_000;

describe('backends on a Docker Engine', () => {
  let engine: DockerDaemon;
  let world: AgentWorld;
  let image: string;

  beforeAll(async () => {
    engine = await startDockerDaemon({ liveRestore: true });
    image = (await buildImage({ name: 'probe', socketPath: engine.socketPath })).reference;
    world = await startAgentWorld({
      SPAWNER_AGENT_LOGS_ON_BUS: 'true',
      SPAWNER_AGENT_RUNTIME: 'docker',
      SPAWNER_AGENT_DOCKER_SOCKET: engine.socketPath,
      SPAWNER_AGENT_DOCKER_SUBNET: '10.243.7.0/24',
      // Sandboxes have tests of their own, and a network that has some cannot be pruned.
      SPAWNER_AGENT_SANDBOXES: '0',
    });
  });

  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await engine?.stop();
  });

  const get = async (id: string, path: string) => {
    const { local } = await world.reaches(id, READY);
    return (await fetch(`http://${local?.host}:${local?.port}${path}`)).text();
  };

  // The simulated engine relies on this (test/simulation/engine).
  it('are seen running by an agent whose predecessor died while the engine started them', async () => {
    const docker = (...args: string[]) =>
      promisify(execFile)('docker', ['-H', `unix://${engine.socketPath}`, ...args]);
    await docker('create', '--name', 'late', '--network', 'none', image);
    const predecessor = connect(engine.socketPath);
    await once(predecessor, 'connect');
    const request = 'POST /containers/late/start HTTP/1.1\r\nHost: engine\r\nContent-Length: 0\r\n\r\n';
    await new Promise((written) => predecessor.write(request, written));
    predecessor.destroy();
    // The next agent looks at its network first.
    await askDocker(engine.socketPath, 'GET', '/networks');
    // The engine answers only after the start, for which it holds the lock of the container.
    const inspected = await askDocker(engine.socketPath, 'GET', '/containers/late/json');
    await docker('rm', '--force', 'late');
    expect(inspected).toMatchObject({ State: { Status: 'running' } });
  });

  it('start after their network was pruned', async () => {
    const args = ['-H', `unix://${engine.socketPath}`, 'network', 'prune', '--force'];
    expect((await promisify(execFile)('docker', args)).stdout).toContain(`spawner-test-${process.pid}`);
    const ids = await Promise.all(['one', 'two'].map((name) => world.place({ env: { NAME: name } })));
    expect(await Promise.all(ids.map((id) => get(id, '/name')))).toEqual(['one', 'two']);
    for (const id of ids) await world.stop(id, { force: true });
    for (const id of ids) await world.reaches(id, TERMINATED);
  });

  it('survive its restart; an end during it is known within 5 s, and new backends start and end', async () => {
    const [kept, gone] = await Promise.all([
      world.place({ env: { NAME: 'kept' } }),
      world.place({ env: { NAME: 'gone', EXIT_CODE: '3', EXIT_TIMEOUT: '2500' } }),
    ]);
    await Promise.all([kept, gone].map((id) => world.reaches(id, READY)));
    await engine.restart();
    const returned = performance.now();
    expect(await world.reaches(gone, TERMINATED, TRUE_WITHIN_MS)).toMatchObject({
      endReason: EndReason.FAILED,
    });
    expect(world.scheduler.statuses.get(kept)?.state).toBe(READY);
    expect(await get(kept, '/name')).toBe('kept');
    expect(performance.now() - returned).toBeLessThan(TRUE_WITHIN_MS);
    const [lines, samples] = [[] as string[], [] as number[]];
    world.bus.subscribe(SUBJECTS.backendLog, kept, ({ line }) => lines.push(line?.text ?? ''));
    world.bus.subscribe(SUBJECTS.backendStats, kept, ({ memoryBytes }) => samples.push(memoryBytes));
    await eventually(
      async () => {
        await get(kept, '/log?text=again');
        return lines.includes('again') && samples.length > 0;
      },
      { timeoutMs: 15_000 },
    );

    const later = await world.place({ env: { NAME: 'later' } });
    expect(await get(later, '/name')).toBe('later');
    await get(later, '/exit/4');
    expect(await world.reaches(later, TERMINATED)).toMatchObject({ exitCode: 4 });
    await world.stop(kept);
    expect(await world.reaches(kept, TERMINATED)).toMatchObject({ endReason: EndReason.REQUESTED });
  });
});
