/** Stores that do not know of each other, and the ticks with which their epochs begin. */
import { createHash } from 'node:crypto';
import { keysOf, type Redis, SCRIPTS, StoreEpoch } from '@spawner/store';
import { testLog } from '@spawner/testkit';
import { MemoryRedis } from '../memory-redis/memory-redis.ts';

const KEYS = keysOf('ticks');
const runId = (text: string) => createHash('sha1').update(text).digest('hex');

describe('two copies of a store', () => {
  /** Redis's time never moves. So it is for the ticks of a copy on a machine whose clock is behind. */
  const memory = new MemoryRedis({
    nowMicros: () => 1_700_000_000_000_000,
    runId: runId('first'),
    later: () => () => {},
  });
  let redis: Redis;
  beforeAll(async () => {
    redis = await memory.connect();
  });

  /** Begins an epoch in the present process, as a writer that knows of no other. Returns the epochs of store and log. */
  async function begun(writer: StoreEpoch): Promise<[store: number, log: number]> {
    await writer.run(SCRIPTS.drawTick, { given: 0 });
    const head = (await redis.send(['HGET', KEYS.routeHead, 'epoch'])) as Buffer;
    return [writer.current, Number(head.toString())];
  }
  const writer = () => new StoreEpoch({ redis, keys: KEYS, log: testLog(), emptyStore: 'new' });

  it('begin with different epochs, although both know of the same last tick', async () => {
    const [one, other] = [writer(), writer()];
    expect((await begun(one))[0]).toBe((await begun(other))[0]);
    const copy = memory.snapshot();
    const epochs: number[] = [];
    for (const [process, each] of [
      ['second', one],
      ['third', other],
    ] as const) {
      memory.restore(copy, runId(process));
      redis = await memory.connect();
      const [store, log] = await begun(
        new StoreEpoch({ redis, keys: KEYS, log: testLog(), emptyStore: 'new' }),
      );
      expect(log).toBe(store);
      expect(store).toBeGreaterThan(each.current);
      epochs.push(store);
    }
    expect(new Set(epochs).size).toBe(2);
  });
});
