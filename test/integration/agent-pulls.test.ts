/** Pulls of an agent's images from a registry that fails for a moment, or is slow. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import { type Docker, eventually, startDocker } from '@spawner/testkit';
import { removeLabelled } from '../../deploy/local/parts/docker.ts';
import { type AgentWorld, startAgentWorld } from './agent-harness.ts';
import { type StubRegistry, startStubRegistry } from './stub-registry.ts';

const { LOADING, TERMINATED } = BackendState;
const LAYER_BYTES = 4_000_000;

describe('the pulls of an agent', () => {
  const cluster = `test-${process.pid}`;
  let engine: Docker;
  let world: AgentWorld;
  let registry: StubRegistry;
  const docker = (...args: string[]) =>
    promisify(execFile)('docker', ['-H', `unix://${engine.socketPath}`, ...args]);

  beforeAll(async () => {
    engine = await startDocker();
    registry = await startStubRegistry(LAYER_BYTES);
    world = await startAgentWorld({
      SPAWNER_AGENT_RUNTIME: 'docker',
      SPAWNER_AGENT_DOCKER_SOCKET: engine.socketPath,
      SPAWNER_AGENT_PULLS_AT_ONCE: '1',
      SPAWNER_AGENT_SANDBOXES: '0',
    });
  });

  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    for (const name of ['moment', 'first', 'second'])
      await docker('rmi', '--force', `${registry.address}/${name}:1`).catch(() => {});
    await registry?.[Symbol.asyncDispose]();
    await removeLabelled(engine.socketPath, `dev.spawner.cluster=${cluster}`);
    await engine?.stop();
  });

  const image = (name: string) => `${registry.address}/${name}:1`;
  const pullOf = async (id: string) => (await world.client.explainBackend({ id })).pull;
  /** The image is there, and has no program that could run. */
  const isPulled = async (id: string) =>
    expect((await world.reaches(id, TERMINATED)).endReason).toBe(EndReason.START_ERROR);

  it('are tried again while the registry fails for a moment, once for all that wait', async () => {
    registry.failures.push(503, 503);
    const ids = await Promise.all([1, 2, 3].map(() => world.place({ image: image('moment') })));
    await eventually(async () => (await pullOf(ids[0]!))?.lastError !== '');
    expect(await pullOf(ids[1]!)).toMatchObject({ lastError: expect.stringContaining('503') });
    for (const id of ids) await isPulled(id);
    expect(registry.sent).toEqual(['moment']);
  });

  it('wait their turn, and tell how far they are', async () => {
    registry.stalled = true;
    const first = await world.place({ image: image('first') });
    await world.reaches(first, LOADING);
    await eventually(() => registry.asked.includes('first'));
    const second = await world.place({ image: image('second') });
    await world.reaches(second, LOADING);
    await eventually(async () => {
      const { layers, layersDone, bytes, bytesDone } = (await pullOf(first))!;
      return layers === 1 && layersDone === 0 && bytes > LAYER_BYTES && bytesDone > 0 && bytesDone < bytes;
    });
    expect(await pullOf(second)).toMatchObject({ layers: 0, attempts: 0, lastError: '' });
    expect(registry.asked).not.toContain('second');
    registry.release();
    for (const id of [first, second]) await isPulled(id);
    expect(registry.sent).toEqual(['moment', 'first', 'second']);
  });
});
