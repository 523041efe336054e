import { type CrankedClock, crankedClock } from '@spawner/testkit';
import { HarnessError, isHarnessFault } from './errors.ts';
import { MemoryRedis } from './memory-redis.ts';

const RUN = 'a'.repeat(40);
const NEXT_RUN = 'b'.repeat(40);

function server(clock: CrankedClock = crankedClock(), onChange?: (key: string) => void) {
  return new MemoryRedis({ nowMicros: () => clock.wall().getTime() * 1000, runId: RUN, clock, onChange });
}

const text = (reply: unknown) => String(reply);
const runIdOf = (redis: MemoryRedis) => /run_id:(\w+)/.exec(text(redis.execute(['INFO', 'server'])))?.[1];

describe('the store in memory', () => {
  it('lets keys go by the time that it is given', async () => {
    const clock = crankedClock();
    const redis = server(clock);
    redis.execute(['SET', 'lease', 'mine', 'NX', 'PX', '30000']);
    await clock.advance(29_999);
    expect(redis.execute(['PTTL', 'lease'])).toBe(1);
    expect(redis.execute(['SET', 'lease', 'yours', 'NX', 'PX', '30000'])).toBeNull();
    await clock.advance(1);
    expect(redis.execute(['EXISTS', 'lease'])).toBe(0);
    expect(text(redis.execute(['SET', 'lease', 'yours', 'NX', 'PX', '30000']))).toBe('OK');
  });

  it('keeps bytes as they are, and takes text as UTF-8', () => {
    const redis = server();
    const bytes = Buffer.from([0, 255, 13, 10, 128]);
    redis.execute(['HSET', 'hash', 'é', bytes]);
    expect(redis.execute(['HGETALL', 'hash'])).toEqual([Buffer.from('é'), bytes]);
  });

  it('ends a blocked read at its deadline, by the clock that it is given', async () => {
    const clock = crankedClock();
    const connection = await server(clock).connect();
    let answer: unknown = 'none yet';
    const read = connection.send(['XREAD', 'BLOCK', '5000', 'STREAMS', 'log', '$']).then((reply) => {
      answer = reply;
    });
    await clock.advance(4_999);
    expect(answer).toBe('none yet');
    await clock.advance(1);
    await read;
    expect(answer).toBeNull();
    expect(clock.sleeping).toBe(0);
  });

  it('wakes every blocked read of a stream, and leaves no sleeper behind', async () => {
    const clock = crankedClock();
    const redis = server(clock);
    const connections = [await redis.connect(), await redis.connect()];
    const waiting = connections.map((each) => each.send(['XREAD', 'BLOCK', '5000', 'STREAMS', 'log', '0']));
    redis.execute(['EVAL', "redis.call('XADD', 'log', '1-1', 'a', 'b')", '0']);
    for (const reply of await Promise.all(waiting)) expect(text(reply)).toBe('log,1-1,a,b');
    await clock.advance(0);
    expect(clock.sleeping).toBe(0);
  });

  it('answers nobody while it is away, and all of it when it is back', async () => {
    const redis = server();
    const connection = await redis.connect();
    await connection.send(['SET', 'key', 'value']);
    const blocked = connection.send(['XREAD', 'BLOCK', '0', 'STREAMS', 'log', '$']);
    redis.away = true;
    await expect(blocked).rejects.toMatchObject({ code: 'unavailable' });
    await expect(connection.send(['GET', 'key'])).rejects.toMatchObject({ code: 'unavailable' });
    await expect(redis.connect()).rejects.toThrow();
    expect(connection.ready).toBe(false);
    redis.away = false;
    expect(text(await connection.send(['GET', 'key']))).toBe('value');
  });

  it('fails what is sent or blocked on a closed connection', async () => {
    const connection = await server().connect();
    const blocked = connection.send(['XREAD', 'BLOCK', '0', 'STREAMS', 'log', '$']);
    await connection.close();
    await expect(blocked).rejects.toMatchObject({ code: 'unavailable' });
    await expect(connection.send(['PING'])).rejects.toMatchObject({ code: 'unavailable' });
  });

  it.each([true, false])('is another server after a restart that keeps its data: %s', async (keepData) => {
    const redis = server();
    const connection = await redis.connect();
    const sha = text(await connection.send(['SCRIPT', 'LOAD', 'return 1']));
    await connection.send(['SET', 'key', 'value']);
    const blocked = connection.send(['XREAD', 'BLOCK', '0', 'STREAMS', 'log', '$']);
    redis.restart(NEXT_RUN, keepData);
    await expect(blocked).rejects.toMatchObject({ code: 'unavailable' });
    await expect(connection.send(['EVALSHA', sha, '0'])).rejects.toThrow(/^NOSCRIPT/);
    expect(runIdOf(redis)).toBe(NEXT_RUN);
    expect(await connection.send(['EXISTS', 'key'])).toBe(keepData ? 1 : 0);
  });

  it('goes back to an older copy, which nothing has changed meanwhile', () => {
    const redis = server();
    const write = (value: string) => {
      redis.execute(['SET', 'string', value]);
      redis.execute(['HSET', 'hash', 'field', value]);
      redis.execute(['SADD', 'set', value]);
      redis.execute(['ZADD', 'zset', value, 'member']);
      redis.execute(['XADD', 'stream', '*', 'field', value]);
    };
    const all = () =>
      [
        ['GET', 'string'],
        ['HGETALL', 'hash'],
        ['SMEMBERS', 'set'],
        ['ZRANGE', 'zset', '0', '-1', 'WITHSCORES'],
        ['XRANGE', 'stream', '-', '+'],
        ['PTTL', 'string'],
        ['EXISTS', 'later'],
      ].map((command) => text(redis.execute(command)));
    write('1');
    redis.execute(['PEXPIRE', 'string', '1000']);
    const [before, copy] = [all(), redis.snapshot()];
    for (const round of [2, 3]) {
      write(String(round));
      redis.execute(['SET', 'later', 'x']);
      expect(all()).not.toEqual(before);
      redis.restore(copy, NEXT_RUN);
      expect(all()).toEqual(before);
    }
    expect(runIdOf(redis)).toBe(NEXT_RUN);
  });

  it('loses every key and no script by FLUSHALL', () => {
    const redis = server();
    const sha = text(redis.execute(['SCRIPT', 'LOAD', 'return 7']));
    redis.execute(['SET', 'key', 'value']);
    redis.flushAll();
    expect(redis.execute(['DBSIZE'])).toBe(0);
    expect(redis.execute(['EVALSHA', sha, '0'])).toBe(7);
  });

  it('tells which keys were written or went', () => {
    const heard: string[] = [];
    const redis = server(crankedClock(), (key) => heard.push(key));
    const changed = (...command: string[]) => {
      heard.length = 0;
      redis.execute(command);
      return [...new Set(heard)];
    };
    expect(changed('HSET', 'a', 'x', '1')).toEqual(['a']);
    expect(changed('HGETALL', 'a')).toEqual([]);
    expect(changed('EVAL', "redis.call('SET', 'b', 1) redis.call('HDEL', 'a', 'x')", '0')).toEqual([
      'b',
      'a',
    ]);
    expect(changed('SADD', 'c', '1')).toEqual(['c']);
    expect(changed('SADD', 'c', '1')).toEqual([]);
    expect(changed('FLUSHALL')).toEqual(['b', 'c']);
  });

  it('keeps what a script wrote before it failed', () => {
    const redis = server();
    expect(() => redis.execute(['EVAL', "redis.call('SET', 'a', 1) error('no')", '0'])).toThrow(
      /^ERR user_script:1: no/,
    );
    expect(text(redis.execute(['GET', 'a']))).toBe('1');
  });

  it('tells a fault of the harness or of a script from an answer of Redis', () => {
    const redis = server();
    redis.execute(['SET', 'key', 'value']);
    const thrownBy = (...command: string[]) => {
      try {
        return redis.execute(command);
      } catch (error) {
        return [(error as Error).name, isHarnessFault(error)];
      }
    };
    expect(thrownBy('GEOADD', 'key')).toEqual(['HarnessError', true]);
    expect(thrownBy('SCRIPT', 'LOAD', 'return return')).toEqual(['HarnessError', true]);
    expect(thrownBy('EVAL', 'return 1 + nil', '0')).toEqual(['ScriptError', true]);
    expect(thrownBy('EVAL', "return redis.call('HGET', 'key', 'a')", '0')).toEqual(['ScriptError', true]);
    expect(thrownBy('EVAL', "return redis.error_reply('EPOCH other')", '0')).toEqual(['Error', false]);
    expect(thrownBy('HGET', 'key', 'a')).toEqual(['Error', false]);
  });

  it('passes the errors of the server on, and says plainly what it does not keep', async () => {
    const connection = await server().connect();
    await connection.send(['SET', 'key', 'value']);
    await expect(connection.send(['HGET', 'key', 'x'])).rejects.toThrow(/^WRONGTYPE/);
    await expect(connection.send(['GEOADD', 'key', '1', '1', 'x'])).rejects.toThrow(
      new HarnessError('the command GEOADD is not kept here'),
    );
    await expect(connection.send(['INCRBY', 'n', '9223372036854775807'])).rejects.toThrow(
      'is beyond the integers',
    );
  });
});
