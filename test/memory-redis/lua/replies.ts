/** Replies between Redis and Lua, both ways, as Redis's manual tells ("Lua API reference", data type conversion). */
import { general } from '../c-format.ts';
import { ErrorReply, HarnessError, ScriptError } from '../errors.ts';
import { type Reply, Status } from '../reply.ts';
import { type LuaError, LuaTable, type LuaValue, place } from './values.ts';

/** A command's reply as a script gets it: nil becomes false, a status a table with `ok`. */
export function toLua(reply: Reply): LuaValue {
  if (typeof reply === 'string' || typeof reply === 'number') return reply;
  if (reply === null) return false;
  if (Array.isArray(reply)) return new LuaTable(reply.map(toLua));
  return fieldTable('ok', reply.text);
}

export function fieldTable(name: 'ok' | 'err', text: string): LuaTable {
  const table = new LuaTable();
  table.set(name, text);
  return table;
}

/** What a script returns as a reply: numbers lose their fraction, a list ends at its first nil, false is nil. */
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
      return fromTable(value);
    default:
      return null;
  }
}

function fromTable(table: LuaTable): Reply {
  const error = table.get('err');
  if (typeof error === 'string') throw new ErrorReply(error);
  const status = table.get('ok');
  if (typeof status === 'string') return new Status(status.replaceAll(/[\r\n]/g, ' '));
  for (const field of ['double', 'map', 'set', 'big_number', 'verbatim_string'])
    if (table.get(field) !== undefined)
      throw new HarnessError(`a reply of the kind '${field}' is not supported here`);
  return table.list.map(fromLua);
}

/** An argument of `redis.call`: numbers are written with 17 digits. */
export function argumentText(value: LuaValue): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return general(value, 17);
  throw new ErrorReply('ERR Lua redis lib command arguments must be strings or integers');
}

/** The error that Redis answers for what a script raised. */
export function raisedReply(raised: LuaError, sha: string): ScriptError {
  const { value } = raised;
  const said =
    value instanceof LuaTable ? value.get('err') : typeof value === 'string' ? `ERR ${value}` : undefined;
  const text = typeof said === 'string' ? said : 'ERR unknown error';
  return new ScriptError(`${text} script: ${sha}, on @user_script:${place.line}.`);
}
