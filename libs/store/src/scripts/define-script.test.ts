import { keysOf } from '../keys.ts';
import type { Redis, RedisReply } from '../redis.ts';
import { runScript, type ScriptDefinition } from './define-script.ts';

/** A connection whose loads are answered when the test says so. Notes the arguments of the calls. */
function connection() {
  const loads: PromiseWithResolvers<RedisReply>[] = [];
  const calls: string[] = [];
  const send: Redis['send'] = async ([command, , ...rest]) => {
    if (command !== 'SCRIPT') {
      calls.push(String(rest.at(-1)));
      return null;
    }
    const load = Promise.withResolvers<RedisReply>();
    loads.push(load);
    return load.promise;
  };
  return { redis: { send } as Redis, loads, calls };
}

const script = {
  source: 'return 1',
  guarded: false,
  encode: ({ call }: { call: string }) => [call],
  reply: () => undefined,
} as unknown as ScriptDefinition;

describe('runScript', () => {
  const run = (redis: Redis, call: string) => runScript(redis, keysOf('test'), script, { call } as never);

  it('loads a script once for a connection, and keeps the order of the calls that come meanwhile', async () => {
    const { redis, loads, calls } = connection();
    const first = [run(redis, 'a'), run(redis, 'b')];
    loads[0]?.resolve(Buffer.from('sha'));
    const later = [run(redis, 'c'), run(redis, 'd')];
    await Promise.all([...first, ...later]);
    await run(redis, 'e');
    expect([loads.length, calls]).toEqual([1, ['a', 'b', 'c', 'd', 'e']]);
  });

  it('loads it again after a load that failed', async () => {
    const { redis, loads, calls } = connection();
    const first = run(redis, 'a');
    loads[0]?.reject(new Error('the store is not reachable'));
    await expect(first).rejects.toThrow('not reachable');
    const second = run(redis, 'b');
    loads[1]?.resolve(Buffer.from('sha'));
    await second;
    expect([loads.length, calls]).toEqual([2, ['b']]);
  });
});
