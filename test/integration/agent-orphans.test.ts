/** Containers that are not in the agent's journal: its own are removed, and those of others are left alone. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { newBackendId } from '@spawner/domain';
import { BackendState } from '@spawner/proto/v1/backend';
import { type Docker, eventually, startDocker } from '@spawner/testkit';
import { buildImage } from '../../deploy/images/build.ts';
import { removeLabelled } from '../../deploy/local/parts/docker.ts';
import { type AgentWorld, startAgentWorld } from './agent-harness.ts';

/** A container is found at one look and removed at the next, 10 s later. */
const REMOVED_WITHIN_MS = 90_000;

const CLUSTER = `test-${process.pid}`;

describe('containers that the journal does not know', () => {
  let engine: Docker;
  let world: AgentWorld;
  const made: string[] = [];
  const docker = async (...args: string[]) =>
    (await promisify(execFile)('docker', ['-H', `unix://${engine.socketPath}`, ...args])).stdout.trim();

  beforeAll(async () => {
    engine = await startDocker();
    await buildImage({ name: 'probe', socketPath: engine.socketPath });
    world = await startAgentWorld({
      SPAWNER_CLUSTER: CLUSTER,
      SPAWNER_AGENT_RUNTIME: 'docker',
      SPAWNER_AGENT_DOCKER_SOCKET: engine.socketPath,
      SPAWNER_AGENT_DOCKER_SUBNET: '10.241.9.0/24',
      SPAWNER_AGENT_DOCKER_NETWORK: `orphans-${CLUSTER}`,
    });
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    for (const name of made) await docker('rm', '--force', '--volumes', name).catch(() => {});
    await removeLabelled(engine.socketPath, `dev.spawner.cluster=${CLUSTER}`);
    await engine?.stop();
  });

  /** A running container like those of an agent of this cluster and drone. */
  async function container(of: { cluster?: string; drone?: string; managed?: string }): Promise<string> {
    const id = newBackendId(randomBytes);
    const { cluster = CLUSTER, drone = world.scheduler.node?.id ?? '', managed = 'true' } = of;
    const labels = { managed, cluster, drone, backend: id, placement: '5', port: '8080' };
    const flags = Object.entries(labels).flatMap(([name, value]) => [
      '--label',
      `dev.spawner.${name}=${value}`,
    ]);
    made.push(`spawner-${id}`);
    await docker('run', '--detach', '--name', `spawner-${id}`, ...flags, 'spawner/probe:latest');
    return id;
  }
  const running = async () =>
    (await docker('ps', '--format', '{{.Names}}')).split('\n').map((name) => name.replace('spawner-', ''));

  it('are removed after a grace if they are its own; those of its journal, another drone, another cluster or without labels stay', async () => {
    await eventually(() => world.scheduler.node !== undefined);
    const known = await world.place({});
    made.push(`spawner-${known}`);
    await world.reaches(known, BackendState.READY);
    const [drones, clusters, nobodys] = await Promise.all([
      container({ drone: 'another' }),
      container({ cluster: 'another' }),
      container({ managed: 'false' }),
    ]);
    const own = await container({});
    expect(await running()).toContain(own);
    await eventually(async () => !(await running()).includes(own), { timeoutMs: REMOVED_WITHIN_MS });
    expect(await running()).toEqual(expect.arrayContaining([known, drones, clusters, nobodys]));
    expect(world.scheduler.statuses.get(known)?.state).toBe(BackendState.READY);
    expect(world.scheduler.statuses.has(own)).toBe(false);
  });
});
