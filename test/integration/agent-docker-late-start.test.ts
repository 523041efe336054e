import { BackendState } from '@spawner/proto/v1/backend';
import { askDocker, type DockerDaemon, eventually, startDockerDaemon } from '@spawner/testkit';
import { buildImage } from '../../deploy/images/build.ts';
import { type AgentWorld, startAgentWorld } from './agent-harness.ts';
import { type HeldEngine, holdEngine } from './held-engine.ts';

const { READY, TERMINATED } = BackendState;

/** The container of a backend, as far as these tests look at it. */
interface Inspected {
  readonly Id: string;
  readonly State: { readonly Status: string };
}

describe('a start whose answer never reaches the agent that ordered it', () => {
  let engine: DockerDaemon;
  let held: HeldEngine;
  let world: AgentWorld;

  beforeAll(async () => {
    engine = await startDockerDaemon();
    await buildImage({ name: 'probe', socketPath: engine.socketPath });
    held = await holdEngine(engine.socketPath);
    world = await startAgentWorld({
      SPAWNER_AGENT_RUNTIME: 'docker',
      SPAWNER_AGENT_DOCKER_SOCKET: held.socketPath,
      SPAWNER_AGENT_DOCKER_SUBNET: '10.244.7.0/24',
      // Every start that the engine holds is a backend's.
      SPAWNER_AGENT_SANDBOXES: '0',
    });
  });

  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await held?.[Symbol.asyncDispose]();
    await engine?.stop();
  });

  /**
   * Kills the agent while the engine holds its start, and starts the next one. The engine carries the start out just before
   * the next agent's first request that `until` accepts.
   */
  const placeWithLateStart = async (until: (line: string) => boolean) => {
    const ordered = Promise.withResolvers<string>();
    held.before = (line) => {
      if (!line.endsWith('/start')) return undefined;
      ordered.resolve(line.slice('POST '.length));
      return new Promise(() => {});
    };
    const id = await world.place({});
    const path = await ordered.promise;
    await world.crash();
    let isLate = true;
    held.before = async (line) => {
      if (!isLate || !until(line)) return;
      isLate = false;
      await askDocker(engine.socketPath, 'POST', path).catch(() => {});
    };
    const before = await inspect(id);
    await world.restart();
    await world.reaches(id, READY);
    return { id, before };
  };
  const inspect = async (id: string) =>
    (await askDocker(engine.socketPath, 'GET', `/containers/spawner-${id}/json`)) as Inspected;
  const end = async (id: string) => {
    held.before = () => undefined;
    held.loses = () => false;
    await world.stop(id, { force: true });
    await world.reaches(id, TERMINATED);
  };

  it('keeps its container if it runs when the next agent creates its own', async () => {
    const { id, before } = await placeWithLateStart((line) => line.startsWith('POST /containers/create'));
    expect(before.State.Status).toBe('created');
    const after = await inspect(id);
    expect([after.Id, after.State.Status]).toEqual([before.Id, 'running']);
    await end(id);
  });

  it('keeps its container if it starts while the next agent replaces it', async () => {
    const { id, before } = await placeWithLateStart((line) => line.startsWith('DELETE /containers/'));
    expect((await inspect(id)).Id).toBe(before.Id);
    await end(id);
  });

  it('does not end the backend if the next agent has replaced its container', async () => {
    const { id, before } = await placeWithLateStart((line) => line.endsWith('/start'));
    const { Id, State } = await inspect(id);
    expect(Id).not.toBe(before.Id);
    expect(State.Status).toBe('running');
    await end(id);
  });

  it('is not ordered again if only its answer was lost', async () => {
    let starts = 0;
    held.before = () => undefined;
    held.loses = (line) => line.endsWith('/start') && ++starts > 0;
    const id = await world.place({});
    await world.reaches(id, READY);
    expect(starts).toBe(1);
    await end(id);
  });

  it('does not end a backend whose container was started by name meanwhile', async () => {
    held.before = async (line) => {
      const [, id] = /^POST \/containers\/([\w-]+)\/start/.exec(line) ?? [];
      if (id) await askDocker(engine.socketPath, 'POST', `/containers/${id}/start`);
    };
    const id = await world.place({});
    await eventually(() => world.scheduler.statuses.get(id)?.state === READY);
    await end(id);
  });
});
