import { createHash } from 'node:crypto';
import { general } from '../c-format.ts';
import { HarnessError } from '../errors.ts';
import { callable, many, numberOf, tableOf, text, truthy } from './operators.ts';
import { number, STRING_LIBRARY, string } from './string-library.ts';
import { TABLE_LIBRARY } from './table-library.ts';
import { fault, LuaError, type LuaFunction, LuaTable, type LuaValue, place, typeName } from './values.ts';

function toNumber(value: LuaValue, base: LuaValue): LuaValue {
  if (base === undefined || base === 10) {
    if (typeof value === 'number') return value;
    return typeof value === 'string' ? numberOf(value) : undefined;
  }
  const radix = number(base, 2, 'tonumber');
  const digits = string(value, 1, 'tonumber').trim().toLowerCase();
  const fits = [...digits].every((digit) => Number.parseInt(digit, 36) < radix);
  return fits && digits !== '' ? Number.parseInt(digits, radix) : undefined;
}

export function toText(value: LuaValue): string {
  if (value === undefined) return 'nil';
  if (typeof value === 'number') return general(value, 14);
  if (typeof value === 'string' || typeof value === 'boolean') return String(value);
  throw new HarnessError(`the text of a ${typeName(value)} is an address: not supported here`);
}

/** Calls with an error caught: true and what it gave, or false and what was raised. */
function protectedCall(called: LuaValue, ...given: LuaValue[]): LuaValue[] {
  try {
    return [true, ...many(callable(called)(...given))];
  } catch (error) {
    if (error instanceof LuaError) return [false, error.value];
    throw error;
  }
}

function raise(value: LuaValue, level: LuaValue): never {
  const placed = typeof value === 'string' && level !== 0;
  throw new LuaError(placed ? `user_script:${place.line}: ${value}` : value);
}

/** `-CODE text`, `CODE text`: an error's table, in which the code is ERR where there is none. */
function errorReply(given: LuaValue): LuaTable {
  const said = string(given, 1, 'error_reply').replace(/[\r\n]+$/, '');
  const coded = said.startsWith('-') ? said.slice(1) : said;
  const table = new LuaTable();
  table.set('err', coded.includes(' ') ? coded : `ERR ${coded}`);
  return table;
}

function statusReply(given: LuaValue): LuaTable {
  const table = new LuaTable();
  table.set('ok', string(given, 1, 'status_reply'));
  return table;
}

const METHODS = new Set(Object.keys(STRING_LIBRARY));

/** `text:name(…)`, or a table's own function with the table before its arguments. */
function method(self: LuaValue, name: LuaValue, ...given: LuaValue[]) {
  if (self instanceof LuaTable) return callable(self.get(name))(self, ...given);
  const known = `string.${text(name)}`;
  if (typeof self === 'string' && METHODS.has(known))
    return (STRING_LIBRARY[known] as LuaFunction)(self, ...given);
  return fault(`attempt to call method '${text(name)}' (a nil value)`);
}

const mathOf = (name: string, does: (...numbers: number[]) => number): [string, LuaFunction] => [
  `math.${name}`,
  (...given) => does(...given.map((value, at) => number(value, at + 1, name))),
];

/** What scripts may use of Lua's libraries and Redis's, by the names that they use. */
export const LIBRARY: Record<string, LuaFunction | number> = {
  ...STRING_LIBRARY,
  ...TABLE_LIBRARY,
  ...Object.fromEntries([
    mathOf('abs', Math.abs),
    mathOf('ceil', Math.ceil),
    mathOf('floor', Math.floor),
    mathOf('fmod', (a, b) => a % b),
    mathOf('max', Math.max),
    mathOf('min', Math.min),
    mathOf('pow', (a, b) => a ** b),
    mathOf('sqrt', Math.sqrt),
  ]),
  'math.huge': Number.POSITIVE_INFINITY,
  'math.pi': Math.PI,
  assert: (...given) => {
    if (truthy(given[0])) return given;
    return fault(given.length > 1 ? string(given[1], 2, 'assert') : 'assertion failed!');
  },
  error: raise,
  pcall: protectedCall,
  method,
  select: (at, ...given) => {
    if (at === '#') return given.length;
    const from = number(at, 1, 'select');
    if (from === 0) fault("bad argument #1 to 'select' (index out of range)");
    return given.slice(from > 0 ? from - 1 : from);
  },
  tonumber: toNumber,
  tostring: toText,
  type: (value) => typeName(value),
  ipairs: (table) => [nextInList, tableOf(table, 'ipairs'), 0],
  next: nextKey,
  pairs: (table) => {
    // The keys as they are at the beginning: a loop may take fields away.
    const [of, keys] = [tableOf(table, 'pairs'), tableOf(table, 'pairs').keys()];
    let at = 0;
    const step: LuaFunction = () => {
      while (at < keys.length) {
        const key = keys[at++];
        const value = of.get(key);
        if (value !== undefined) return [key, value];
      }
      return undefined;
    };
    return [step, of, undefined];
  },
  unpack: (table, from, to) => {
    const of = tableOf(table, 'unpack');
    if (from === undefined && to === undefined) return of.length === of.list.length ? of.list : [];
    const [begin, end] = [from ?? 1, to ?? of.length].map((value) => number(value, 2, 'unpack'));
    const list: LuaValue[] = [];
    for (let at = begin as number; at <= (end as number); at++) list.push(of.get(at));
    return list;
  },
  'redis.error_reply': errorReply,
  'redis.status_reply': statusReply,
  'redis.sha1hex': (value) =>
    createHash('sha1')
      .update(Buffer.from(string(value, 1, 'sha1hex'), 'latin1'))
      .digest('hex'),
};

function nextInList(table: LuaValue, at: LuaValue): LuaValue[] | undefined {
  const next = number(at, 2, 'ipairs') + 1;
  const value = tableOf(table, 'ipairs').get(next);
  return value === undefined ? undefined : [next, value];
}

function nextKey(table: LuaValue, key: LuaValue): LuaValue[] | undefined {
  const of = tableOf(table, 'next');
  const keys = of.keys();
  const next = keys[key === undefined ? 0 : keys.indexOf(key) + 1];
  return next === undefined ? undefined : [next, of.get(next)];
}
