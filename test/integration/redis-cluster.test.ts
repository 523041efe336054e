/** Redis Cluster lets a script use keys of one slot only. The store keeps that rule, though it runs on one Redis today. */
import { createLog } from '@spawner/service';
import { openRedis, type Redis, SCRIPTS, scriptOf } from '@spawner/store';
import { eventually, startRedis, tempDir } from '@spawner/testkit';
import fc from 'fast-check';
import { sequences } from './memory-redis-cases.ts';
import { keys, outcome, Side } from './memory-redis-sides.ts';

/** A script that begins so is held to the rule by Redis; one without it is trusted (Redis's manual, "Scripts with flags"). */
const HELD_TO_THE_RULE = '#!lua\n';
const OTHER_SLOT = /slot/i;

describe('on a Redis Cluster', () => {
  let stack: AsyncDisposableStack;
  let redis: Redis;

  beforeAll(async () => {
    stack = new AsyncDisposableStack();
    const dir = await tempDir('redis-cluster');
    stack.defer(() => dir.stop());
    const server = stack.use(
      await startRedis({
        args: ['--cluster-enabled', 'yes', '--cluster-config-file', `${dir.path}/nodes.conf`],
      }),
    );
    await server.tell('CLUSTER ADDSLOTSRANGE 0 16383');
    await eventually(async () => expect(await server.tell('CLUSTER INFO')).toContain('cluster_state:ok'));
    redis = await openRedis(server.url, createLog('test', 'silent'));
    stack.defer(() => redis.close());
  });
  afterAll(() => stack.disposeAsync());

  it('a script that uses keys of two slots is refused', async () => {
    const script = `${HELD_TO_THE_RULE}redis.call('SET', KEYS[1], 1) redis.call('SET', 'elsewhere', 1)`;
    await expect(redis.send(['EVAL', script, '1', keys.epoch])).rejects.toThrow(OTHER_SLOT);
  });

  it('every script uses keys of its cluster’s slot alone', async () => {
    const run = new Set<string | undefined>();
    const send: Redis['send'] = (command, options) => {
      const at = command[0] === 'SCRIPT' ? 2 : command[0] === 'EVAL' ? 1 : undefined;
      if (at === undefined) return redis.send(command, options);
      const source = String(command[at]);
      run.add(scriptOf(source)?.name);
      return redis.send(command.toSpliced(at, 1, HELD_TO_THE_RULE + source), options);
    };
    const store = {
      redis: { ...redis, ready: true, send },
      keepCopy: async () => {},
      replace: async () => {},
    };
    const slots = new Set<number>();
    for (const steps of fc.sample(sequences, 80)) {
      const side = new Side(store);
      await side.empty();
      for (const { name, take } of steps) {
        // Plain commands, which begin with a capital, are no scripts and name any key.
        if (/^[A-Z]/.test(name)) continue;
        expect([name, JSON.stringify(await outcome(() => take(side)))]).not.toEqual([
          name,
          expect.stringMatching(OTHER_SLOT),
        ]);
      }
      for (const key of (await redis.send(['KEYS', '*'])) as Buffer[])
        slots.add(Number(await redis.send(['CLUSTER', 'KEYSLOT', key])));
    }
    expect([...run].sort()).toEqual(
      Object.values(SCRIPTS)
        .map(({ name }) => name)
        .sort(),
    );
    expect(slots.size).toBe(1);
  });
});
