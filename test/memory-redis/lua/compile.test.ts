import type { RedisReply } from '@spawner/store';
import { HarnessError } from '../errors.ts';
import { MemoryRedis } from '../memory-redis.ts';
import { compile } from './compile.ts';
import { type Answer, EXAMPLES, withoutPlace } from './examples.ts';
import { scriptOf } from './scripts.ts';

const server = () =>
  new MemoryRedis({ nowMicros: () => 5_000_000, runId: '0'.repeat(40), later: () => () => {} });

function answerOf(source: string): Answer {
  const shown = (reply: RedisReply): Answer => {
    if (Buffer.isBuffer(reply)) return reply.toString('latin1');
    if (Array.isArray(reply)) return reply.map(shown);
    return reply ?? false;
  };
  try {
    return shown(server().execute(['EVAL', source, '1', 'key', 'first', 'second']));
  } catch (error) {
    return { error: withoutPlace((error as Error).message) };
  }
}

describe('compiled Lua', () => {
  it.each(EXAMPLES)('%s', (source, answer) => {
    expect(answerOf(source)).toEqual(answer);
  });

  it('reports the line where it fails', () => {
    expect(answerOf('local a = 1\n\nreturn a[1]')).toEqual({
      error: expect.stringMatching(/^ERR user_script:3: attempt to index a /),
    });
  });

  it('is made once for one text', () => {
    expect(scriptOf('return 1')).toBe(scriptOf(`return ${1}`));
  });
});

describe('Lua that no script uses', () => {
  it.each([
    ['a = 1', 'line 1 of the script: writing the global a'],
    ['local a\nfunction b() end', 'line 2 of the script: a function that is not local'],
    ['local f = function() end', 'FunctionDeclaration'],
    ['return cjson.encode({})', 'the global cjson.encode'],
    ['return math.random()', 'the global math.random'],
    ['return pcall(tonumber)', 'the global pcall'],
    ['return redis.pcall("GET", "x")', 'the global redis.pcall'],
    ['return KEYS[1] .. (undefinedname or "")', 'the global undefinedname'],
    ['local function f(...) end', 'a function of any number of arguments'],
    ['return ...', 'VarargLiteral'],
    ['return ("a"):upper()', 'a named field of a table'],
    ['local t = { a = 1 }', 'a table with keys'],
    ['local t = {} t.a = 1', 'a named field of a table'],
    ['local a, b a, b = 1, 2', 'an assignment of several values'],
    ['for k, v in pairs({}) do end', 'a loop over anything but ipairs'],
    ['repeat until true', 'RepeatStatement'],
    ['while true do break end', 'BreakStatement'],
    ['local function f() return 1, 2 end return { (f()) }', 'a call in parentheses'],
    ['return 2 ^ 3', 'the operator ^'],
    ['local call = redis.call return call("GET", "x")', 'the global redis.call'],
    ['return redis.call(KEYS[1])', 'redis.call without a fixed command'],
    ['return redis.call("GETT", "x")', 'the command GETT is not implemented'],
  ])('%s is refused by name before it runs', (source, problem) => {
    expect(() => compile(source)).toThrow(HarnessError);
    expect(() => compile(source)).toThrow(problem);
  });

  it.each([
    ['local t = { 1, nil, 3 } return #t', 'a list with a gap'],
    ['local t = {} t[2] = 1', 'a table that is no list'],
    ['local t = {} return t["a"]', 'a table with the key a'],
    ['return string.format("%d", 1)', "string.format('%d') is not implemented"],
    ['return string.find("a", "%a")', 'string.find with a pattern'],
    ['return tonumber("77", 8)', 'tonumber with a base'],
    ['return tonumber("fg", 16)', 'tonumber with a base'],
    ['return tonumber("0x10")', 'the numeral 0x10'],
    ['return 0 / 0 .. ""', 'a NaN has no text that is the same everywhere'],
  ])('%s is refused by name when it runs', (source, problem) => {
    expect(() => server().execute(['EVAL', source, '0'])).toThrow(HarnessError);
    expect(() => server().execute(['EVAL', source, '0'])).toThrow(problem);
  });

  it('includes a text that is no Lua, which no service may take for an answer of Redis', () => {
    expect(() => server().execute(['EVAL', 'return return', '0'])).toThrow(HarnessError);
    expect(() => server().execute(['SCRIPT', 'LOAD', 'return return'])).toThrow(/^the script is no Lua/);
  });
});
