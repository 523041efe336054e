/** The scheduler's demands on a Redis with replicas, and on its settings. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { newBackendId } from '@spawner/domain';
import { BackendKey, BackendState, EndReason } from '@spawner/proto/v1/backend';
import { ConfigError } from '@spawner/service';
import {
  eventually,
  expectComplaint,
  type Nats,
  type Redis,
  startNats,
  startProgram,
  startRedis,
  tempDir,
  testLog,
} from '@spawner/testkit';
import { openSafeRedis } from '../../services/scheduler/src/store/redis-settings.ts';
import { keys, scene } from './scheduler-scene.ts';

const id = () => newBackendId(randomBytes);
const key = (name: string) => BackendKey.fromPartial({ name });
const spec = { image: 'app' };

/** A Redis with a replica that has caught up. Each writes what it hands on, or is handed, into a folder of its own. */
async function withReplica(stack: AsyncDisposableStack) {
  const start = async (...args: string[]) => {
    const dir = stack.use(await tempDir('redis'));
    return stack.use(await startRedis({ args: ['--dir', dir.path, ...args] }));
  };
  // A replica is given its copy at once, not in the company of others that may come.
  const primary = await start('--repl-diskless-sync-delay', '0');
  const replica = await start('--replicaof', '127.0.0.1', String(primary.port));
  await eventually(() => hasReplica(primary), { timeoutMs: 15_000 });
  return { primary, replica };
}
const hasReplica = async (primary: Redis) => {
  const info = await primary.tell('INFO replication');
  expect(info).toMatch(/state=online/);
};

describe('a key that replicas must have', () => {
  let nats: Nats;
  beforeAll(async () => {
    nats = await startNats();
  });
  afterAll(() => nats?.stop());

  it('is given once they have it, also to many at once', async () => {
    await using stack = new AsyncDisposableStack();
    const { primary, replica } = await withReplica(stack);
    await using at = await scene(primary, nats, { waitReplicas: 1 });
    await at.drone('a', { capacity: { backends: 50, cpuMillis: 1e6, memoryBytes: 1e12 } });
    const names = Array.from({ length: 30 }, (_, n) => `k${n}`);
    const answers = await Promise.all(names.map((name) => at.spawn({ id: id(), spec, key: key(name) })));
    expect(answers.every(({ spawned }) => spawned)).toBe(true);
    expect(await replica.tell(`GET ${keys.tick}`)).toContain(String(await at.store.send(['GET', keys.tick])));
  });

  it('is not given while they are away: nothing is started, and the key is free again when they are back', async () => {
    await using stack = new AsyncDisposableStack();
    const { primary, replica } = await withReplica(stack);
    await using at = await scene(primary, nats, { waitReplicas: 1 });
    const a = await at.drone('a');
    await replica.stop();
    const refused = id();
    await expect(at.spawn({ id: refused, spec, key: key('k') })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/^too few replicas of the store have the key/),
    });
    expect(a.started).toEqual([]);
    expect((await at.scheduler.getBackend({ id: refused })).backend).toMatchObject({
      state: BackendState.TERMINATED,
      endReason: EndReason.INTERNAL,
    });
    expect((await at.spawn({ id: id(), spec })).spawned).toBe(true);
    await replica.start();
    await eventually(() => hasReplica(primary), { timeoutMs: 15_000 });
    const { backend, spawned } = await at.spawn({ id: id(), spec, key: key('k') });
    expect(spawned).toBe(true);
    expect(a.started.map((start) => start.id)).toContain(backend?.id);
  });
});

describe('a Redis whose settings', () => {
  const quiet = testLog();
  const problemsOf = async (redis: Redis): Promise<readonly string[]> => {
    try {
      await (await openSafeRedis(redis.url, quiet)).close();
      return [];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return error.problems;
    }
  };

  it('let it evict is refused, until they are changed', async () => {
    await using redis = await startRedis({
      args: ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'],
    });
    expect(await problemsOf(redis)).toEqual([
      expect.stringMatching(/set its maxmemory-policy to noeviction/),
    ]);
    await redis.tell('CONFIG SET maxmemory-policy noeviction');
    expect(await problemsOf(redis)).toEqual([]);
  });

  it('are wrong ends the scheduler at once, as a wrong configuration does', async () => {
    expectComplaint(/scheduler: configuration: .*set its maxmemory-policy to noeviction/);
    await using redis = await startRedis({
      args: ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'],
    });
    const env = {
      SPAWNER_REDIS_URL: redis.url,
      SPAWNER_SCHEDULER_PORT: '0',
      SPAWNER_SCHEDULER_ADMIN_PORT: '0',
    };
    const args = [join(__dirname, '../../services/scheduler/src/main.ts')];
    await using program = await startProgram({ command: process.execPath, args, env });
    expect(await program.exited).toMatchObject({ code: 2 });
    expect(program.output()).toContain('set its maxmemory-policy to noeviction');
  });

  it('let a failover lose writes without bound is refused, until they are changed', async () => {
    await using stack = new AsyncDisposableStack();
    const { primary } = await withReplica(stack);
    expect(await problemsOf(primary)).toEqual([expect.stringMatching(/set its min-replicas-to-write to 1/)]);
    await primary.tell('CONFIG SET min-replicas-to-write 1');
    expect(await problemsOf(primary)).toEqual([]);
    await primary.tell('CONFIG SET min-replicas-max-lag 0');
    expect(await problemsOf(primary)).toEqual([expect.stringMatching(/set its min-replicas-max-lag to 1/)]);
  });

  it('are not shown is taken with a warning', async () => {
    await using redis = await startRedis({ args: ['--rename-command', 'CONFIG', ''] });
    expect(await problemsOf(redis)).toEqual([]);
  });
});
