import luaparse from 'luaparse';
import type { Command } from '../commands/command.ts';
import { commandOf } from '../commands/index.ts';
import { HarnessError } from '../errors.ts';

import { LIBRARY } from './library.ts';
import {
  add,
  assign,
  callable,
  construct,
  div,
  first,
  greater,
  greaterOrEqual,
  index,
  length,
  less,
  lessOrEqual,
  loopNumber,
  many,
  minus,
  mod,
  mul,
  pow,
  sub,
  text,
  truthy,
} from './operators.ts';
import { Scope } from './scope.ts';
import { block } from './statements.ts';
import { type LuaResult, type LuaTable, type LuaValue, place } from './values.ts';

export type RedisCall = (command: Command, args: LuaValue[]) => LuaValue;

/** A script as a function: `redis.call` and `redis.pcall`, then the tables KEYS and ARGV. */
export type CompiledScript = (call: RedisCall, pcall: RedisCall, keys: LuaTable, argv: LuaTable) => LuaResult;

const NOTHING: readonly LuaValue[] = Object.freeze([]);
/** What the text may name. */
const RUNTIME = {
  add,
  assign,
  callable,
  construct,
  div,
  first,
  greater,
  greaterOrEqual,
  index,
  length,
  less,
  lessOrEqual,
  loopNumber,
  many,
  minus,
  mod,
  mul,
  pow,
  sub,
  text,
  truthy,
  commandOf,
  library: LIBRARY,
  place,
  NOTHING,
};

/**
 * The function that a Lua script is, by its text (bytes as a latin1 string). Lua, globals and commands that this
 * compiler does not know are an error here; a text that is no Lua is the error that Redis answers.
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
${constants}return (call, pcall, KEYS, ARGV) => {
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
