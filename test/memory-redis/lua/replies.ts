/** Converts replies between Redis and Lua, both ways (Redis's manual, "Lua API reference", data type conversion). */
import { general } from '../c-format.ts';
import { ErrorReply, HarnessError, ScriptError } from '../errors.ts';
import { type Reply, Status } from '../reply.ts';
import { type LuaError, LuaTable, type LuaValue, place } from './values.ts';

/** A command's reply as a script gets it: nil becomes false, a status a table. */
export function toLua(reply: Reply): LuaValue {
  if (typeof reply === 'string' || typeof reply === 'number') return reply;
  if (reply === null) return false;
  if (Array.isArray(reply)) return new LuaTable(reply.map(toLua));
  return new LuaTable([], { ok: reply.text });
}

/** A script's value as a reply: numbers lose their fraction, and false is nil. */
export function fromLua(value: LuaValue): Reply {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
      if (!Number.isFinite(value)) throw new HarnessError(`a script returned ${value}, which is no integer`);
      return Math.trunc(value) + 0;
    case 'boolean':
      return value ? 1 : null;
    case 'object':
      if (value.reply.err !== undefined) throw new ErrorReply(value.reply.err);
      if (value.reply.ok !== undefined) return new Status(value.reply.ok);
      return value.list.map(fromLua);
    default:
      return null;
  }
}

/** An argument of `redis.call`: numbers are written with 17 digits. */
export function argumentText(value: LuaValue): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return general(value, 17);
  throw new ErrorReply('ERR Lua redis lib command arguments must be strings or integers');
}

/** The error that Redis answers for an error that a script raised. */
export function raisedReply({ value }: LuaError, sha: string): ScriptError {
  const text = value instanceof LuaTable ? value.reply.err : `ERR ${String(value)}`;
  return new ScriptError(`${text} script: ${sha}, on @user_script:${place.line}.`);
}
