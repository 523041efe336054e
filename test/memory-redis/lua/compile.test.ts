import { systemClock } from '@spawner/domain';
import type { RedisReply } from '@spawner/store';
import { HarnessError } from '../errors.ts';
import { MemoryRedis } from '../memory-redis.ts';
import { compile } from './compile.ts';
import { type Answer, EXAMPLES } from './examples.ts';
import { scriptOf } from './scripts.ts';

const server = () =>
  new MemoryRedis({ nowMicros: () => 5_000_000, runId: '0'.repeat(40), clock: systemClock });

function answerOf(source: string): Answer {
  const shown = (reply: RedisReply): Answer => {
    if (Buffer.isBuffer(reply)) return reply.toString('latin1');
    if (Array.isArray(reply)) return reply.map(shown);
    return reply ?? false;
  };
  try {
    return shown(server().execute(['EVAL', source, '1', 'key', 'first', 'second']));
  } catch (error) {
    return { error: (error as Error).message };
  }
}

describe('compiled Lua', () => {
  it.each(EXAMPLES)('%s', (source, answer) => {
    expect(answerOf(source)).toEqual(answer);
  });

  it('tells the line where it fails', () => {
    expect(answerOf('local a = 1\n\nreturn a.b.c')).toEqual({
      error: expect.stringMatching(/^ERR user_script:3: attempt to index a .* on @user_script:3\.$/),
    });
  });

  it('is made once for one text, whoever runs it', () => {
    expect(scriptOf('return 1')).toBe(scriptOf(`return ${1}`));
  });
});

describe('what is not supported', () => {
  it.each([
    ['a = 1', 'line 1 of the script: writing the global a'],
    ['local a\nfunction b() end', 'line 2 of the script: writing the global b'],
    ['return cjson.encode({})', 'the global cjson.encode'],
    ['return math.random()', 'the global math.random'],
    ['return KEYS.x.y(undefinedname)', 'the global undefinedname'],
    ['return ...', '... outside of a function'],
    ['local t = {} function t:f() end', 'a method'],
    ['local call = redis.call return call("GET", "x")', 'the global redis.call'],
    ['return redis.call(unpack(ARGV))', 'redis.call without the name of a command'],
    ['return redis.call("GETT", "x")', 'the command GETT is not implemented'],
  ])('%s is an error before it runs', (source, problem) => {
    expect(() => compile(source)).toThrow(problem);
  });

  it.each([
    ['local t = { 1, nil, 3 } return #t', 'the length of a list with gaps is not defined'],
    ['return tostring({})', 'the text of a table is an address'],
    ['return string.format("%q", "x")', "string.format('%q') is not supported here"],
    ['return 0 / 0 .. ""', 'a NaN has no text that is the same everywhere'],
  ])('%s is an error and no guess', (source, problem) => {
    expect(answerOf(source)).toEqual({ error: expect.stringContaining(problem) });
  });

  it('includes a text that is no Lua: a fault of the script, which no service may take for an answer', () => {
    expect(() => server().execute(['EVAL', 'return return', '0'])).toThrow(HarnessError);
    expect(() => server().execute(['SCRIPT', 'LOAD', 'return return'])).toThrow(/^the script is no Lua/);
  });
});
