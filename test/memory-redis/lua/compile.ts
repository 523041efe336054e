import luaparse from 'luaparse';
import type { Command } from '../commands/command.ts';
import { commandOf } from '../commands/index.ts';
import { HarnessError } from '../errors.ts';
import { LIBRARY } from './library.ts';
import { OPERATORS } from './operators.ts';
import { Scope } from './scope.ts';
import { block } from './statements.ts';
import { type LuaResult, LuaTable, type LuaValue, place } from './values.ts';

export type RedisCall = (command: Command, args: LuaValue[]) => LuaValue;

/** A script as a function of `redis.call` and the tables KEYS and ARGV. */
export type CompiledScript = (call: RedisCall, keys: LuaTable, argv: LuaTable) => LuaResult;

const NOTHING: readonly LuaValue[] = Object.freeze([]);
/** The names that the compiled text uses. */
const RUNTIME = { ...OPERATORS, LuaTable, commandOf, library: LIBRARY, place, NOTHING };

/**
 * Compiles a script, given as bytes in a latin1 string. A part of Lua, a global or a command that is not implemented is a
 * HarnessError, and so is a text that is no Lua.
 */
export function compile(source: string): CompiledScript {
  const scope = Scope.ofScript(source);
  scope.given('KEYS');
  scope.given('ARGV');
  const body = block(parse(source), scope);
  const constants = [...scope.constants].map(([lookup, name]) => `const ${name} = ${lookup};\n`).join('');
  const temporaries = scope.temporaries.length > 0 ? `let ${scope.temporaries.join(', ')};\n` : '';
  const text = `'use strict';
const { ${Object.keys(RUNTIME).join(', ')} } = runtime;
${constants}return (call, KEYS, ARGV) => {
${temporaries}${body}return NOTHING;
};`;
  return new Function('runtime', text)(RUNTIME) as CompiledScript;
}

function parse(source: string) {
  try {
    return luaparse.parse(source, {
      luaVersion: '5.1',
      encodingMode: 'pseudo-latin1',
      comments: false,
      locations: true,
      ranges: true,
    }).body;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new HarnessError(`the script is no Lua: ${error.message}`, { cause: error });
  }
}
