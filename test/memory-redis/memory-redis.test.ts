import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CrankedClock, crankedClock } from '@spawner/testkit';
import { COMMAND_NAMES } from './commands/index.ts';
import { HarnessError, isHarnessFault } from './errors.ts';
import { MemoryRedis } from './memory-redis.ts';

const RUN = 'a'.repeat(40);
const NEXT_RUN = 'b'.repeat(40);

function server(clock: CrankedClock = crankedClock(), onChange?: (key: string) => void) {
  const later = (ms: number, then: () => void) => {
    const over = new AbortController();
    clock.sleep(ms, over.signal).then(then, () => {});
    return () => over.abort();
  };
  return new MemoryRedis({ nowMicros: () => clock.wall().getTime() * 1000, runId: RUN, later, onChange });
}

const text = (reply: unknown) => String(reply);
const runIdOf = (redis: MemoryRedis) => /run_id:(\w+)/.exec(text(redis.execute(['INFO', 'server'])))?.[1];
const append = (key: string, id: string, value: string) => ['XADD', key, 'MAXLEN', '~', '9', id, 'a', value];
const readBlocked = (ms: string) => ['XREAD', 'BLOCK', ms, 'STREAMS', 'log', '0-0'];

describe('the Redis in memory', () => {
  it('tells the time that it is given', async () => {
    const clock = crankedClock();
    const redis = server(clock);
    const before = Number((redis.execute(['TIME']) as Buffer[])[0]);
    await clock.advance(7_000);
    expect(Number((redis.execute(['TIME']) as Buffer[])[0])).toBe(before + 7);
  });

  it('keeps bytes as they are, and takes strings as UTF-8', () => {
    const redis = server();
    const bytes = Buffer.from([0, 255, 13, 10, 128]);
    redis.execute(['HSET', 'hash', 'é', bytes]);
    expect(redis.execute(['HGETALL', 'hash'])).toEqual([Buffer.from('é'), bytes]);
  });

  it('ends a blocked read at its deadline, by the clock that it is given', async () => {
    const clock = crankedClock();
    const connection = await server(clock).connect();
    let answer: unknown = 'none yet';
    const read = connection.send(readBlocked('5000')).then((reply) => {
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
    const waiting = connections.map((each) => each.send(readBlocked('5000')));
    redis.execute(['EVAL', "redis.call('XADD', 'log', 'MAXLEN', '~', 9, '1-1', 'a', 'b')", '0']);
    for (const reply of await Promise.all(waiting)) expect(text(reply)).toBe('log,1-1,a,b');
    await clock.advance(0);
    expect(clock.sleeping).toBe(0);
  });

  it('answers no command while it is away, and keeps its data', async () => {
    const redis = server();
    const connection = await redis.connect();
    await connection.send(['SET', 'key', 'value']);
    const blocked = connection.send(readBlocked('0'));
    redis.away = true;
    await expect(blocked).rejects.toMatchObject({ code: 'unavailable' });
    await expect(connection.send(['GET', 'key'])).rejects.toMatchObject({ code: 'unavailable' });
    await expect(redis.connect()).rejects.toThrow();
    expect(connection.ready).toBe(false);
    redis.away = false;
    expect(text(await connection.send(['GET', 'key']))).toBe('value');
  });

  it('fails commands and blocked reads on a closed connection', async () => {
    const connection = await server().connect();
    const blocked = connection.send(readBlocked('0'));
    await connection.close();
    await expect(blocked).rejects.toMatchObject({ code: 'unavailable' });
    await expect(connection.send(['TIME'])).rejects.toMatchObject({ code: 'unavailable' });
  });

  it.each([true, false])('has another run id after a restart that keeps its data: %s', async (keepData) => {
    const redis = server();
    const connection = await redis.connect();
    const sha = text(await connection.send(['SCRIPT', 'LOAD', 'return 1']));
    await connection.send(['SET', 'key', 'value']);
    const blocked = connection.send(readBlocked('0'));
    redis.restart(NEXT_RUN, keepData);
    await expect(blocked).rejects.toMatchObject({ code: 'unavailable' });
    await expect(connection.send(['EVALSHA', sha, '0'])).rejects.toThrow(/^NOSCRIPT/);
    expect(runIdOf(redis)).toBe(NEXT_RUN);
    expect(await connection.send(['EXISTS', 'key'])).toBe(keepData ? 1 : 0);
  });

  it('goes back to an older copy, which later writes have not changed', () => {
    const redis = server();
    const write = (value: string) => {
      redis.execute(['SET', 'string', value]);
      redis.execute(['HSET', 'hash', 'field', value]);
      redis.execute(['SADD', 'set', value]);
      redis.execute(['ZADD', 'zset', value, 'member']);
      redis.execute(append('stream', `${value}-1`, value));
    };
    const all = () =>
      [
        ['GET', 'string'],
        ['HGETALL', 'hash'],
        ['SMEMBERS', 'set'],
        ['ZRANGE', 'zset', '0', '-1', 'WITHSCORES'],
        ['XRANGE', 'stream', '-', '+'],
        ['EXISTS', 'later'],
      ].map((command) => text(redis.execute(command)));
    write('1');
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
    expect(redis.execute(['KEYS', '*'])).toEqual([]);
    expect(redis.execute(['EVALSHA', sha, '0'])).toBe(7);
  });

  it('reports every key that is written or deleted', () => {
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

  it('keeps the writes of a script that failed after them', () => {
    const redis = server();
    expect(() => redis.execute(['EVAL', "redis.call('SET', 'a', 1) return 1 + nil", '0'])).toThrow(
      /^ERR user_script:1: attempt to perform arithmetic/,
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

  it('has the commands that its README lists', () => {
    const readme = readFileSync(join(__dirname, 'README.md'), 'utf8');
    const listed = [...readme.matchAll(/^ {4}([A-Z ]+)$/gm)].flatMap(([, line = '']) => line.split(' '));
    expect(listed.sort()).toEqual([...COMMAND_NAMES].sort());
  });

  it.each([
    ['GEOADD key 1 1 x', 'the command GEOADD is not implemented'],
    ['SET key value NX', 'SET NX is not implemented'],
    ['ZADD key GT 1 x', 'ZADD GT is not implemented'],
    ['ZRANGE key 0 1 BYSCORE', 'ZRANGE BYSCORE is not implemented'],
    ['HSCAN key 0 MATCH x', 'HSCAN other than with COUNT is not implemented'],
    ['XADD log * a b', 'XADD other than with MAXLEN ~ is not implemented'],
    ['XREAD STREAMS a b 0-0 0-0', 'XREAD of anything but one stream is not implemented'],
    ['XREAD STREAMS a $', 'the stream id $ is not implemented'],
    ['KEYS a*', 'KEYS a* is not implemented'],
    ['INFO memory', 'INFO memory is not implemented'],
    ['SCRIPT FLUSH', 'SCRIPT FLUSH is not implemented'],
    ['HINCRBY h n 9223372036854775807', 'is beyond the integers'],
  ])('refuses %s by name', async (command, problem) => {
    const connection = await server().connect();
    const refused = await connection.send(command.split(' ')).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(HarnessError);
    expect((refused as Error).message).toContain(problem);
  });
});
