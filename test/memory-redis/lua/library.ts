import { general, whole as wholeText } from '../c-format.ts';
import { HarnessError } from '../errors.ts';
import { numberOf, tableOf } from './operators.ts';
import { fault, type LuaFunction, LuaTable, type LuaValue, typeName } from './values.ts';

const got = (value: LuaValue) => (value === undefined ? 'no value' : typeName(value));

/** A string argument; numbers are written out. */
function string(value: LuaValue, at: number, where: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return general(value, 14);
  return fault(`bad argument #${at} to '${where}' (string expected, got ${got(value)})`);
}

/** A number argument; strings that are numbers are taken. */
function number(value: LuaValue, at: number, where: string): number {
  if (typeof value === 'number') return value;
  const parsed = typeof value === 'string' ? numberOf(value) : undefined;
  return parsed ?? fault(`bad argument #${at} to '${where}' (number expected, got ${got(value)})`);
}

const whole = (value: LuaValue, at: number, where: string) => Math.trunc(number(value, at, where));

/** A position as Lua counts it: from 1, or from the end if it is negative. */
const position = (place: number, length: number) => (place < 0 ? Math.max(0, length + place + 1) : place);

function toNumber(value: LuaValue, base: LuaValue): LuaValue {
  if (base === 16 && typeof value === 'string' && /^[0-9a-f]{1,13}$/i.test(value))
    return Number.parseInt(value, 16);
  if (base !== undefined)
    throw new HarnessError('tonumber with a base is not implemented but for digits of 16');
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? numberOf(value) : undefined;
}

function char(...codes: LuaValue[]): string {
  let text = '';
  for (let at = 0; at < codes.length; at++) {
    const code = whole(codes[at], at + 1, 'char');
    if (code < 0 || code > 255) fault(`bad argument #${at + 1} to 'char' (invalid value)`);
    text += String.fromCharCode(code);
  }
  return text;
}

/** `string.find` of plain text: the place of its first and last byte. */
function find(subject: LuaValue, wanted: LuaValue, from: LuaValue, plain: LuaValue): LuaValue | LuaValue[] {
  if (plain !== true) throw new HarnessError('string.find with a pattern is not implemented');
  const [text, part] = [string(subject, 1, 'find'), string(wanted, 2, 'find')];
  const start = Math.max(0, position(whole(from, 3, 'find'), text.length) - 1);
  const at = start > text.length ? -1 : text.indexOf(part, start);
  return at === -1 ? undefined : [at + 1, at + part.length];
}

function format(form: LuaValue, value: LuaValue): string {
  if (form !== '%.0f') throw new HarnessError(`string.format('${form}') is not implemented`);
  return wholeText(number(value, 2, 'format'));
}

function sub(subject: LuaValue, from: LuaValue, to: LuaValue): string {
  const text = string(subject, 1, 'sub');
  const first = position(whole(from, 2, 'sub'), text.length);
  const last = position(to === undefined ? -1 : whole(to, 3, 'sub'), text.length);
  return text.slice(Math.max(1, first) - 1, last);
}

function concat(table: LuaValue, between: LuaValue = '', ...range: LuaValue[]): string {
  if (range.length > 0) throw new HarnessError('table.concat of a part is not implemented');
  const { list } = tableOf(table, 'concat');
  const parts = list.map((value, index) => {
    if (typeof value === 'string') return value;
    if (typeof value === 'number') return general(value, 14);
    return fault(`invalid value (${typeName(value)}) at index ${index + 1} in table for 'concat'`);
  });
  return parts.join(string(between, 2, 'concat'));
}

/** An error as a script returns it: `CODE text`. */
function errorReply(given: LuaValue): LuaTable {
  const text = string(given, 1, 'error_reply');
  if (!/^[A-Z]+ [^\r\n]+$/.test(text))
    throw new HarnessError('redis.error_reply other than of CODE and text is not implemented');
  return new LuaTable([], { err: text });
}

const mathOf = (name: string, does: (...numbers: number[]) => number): [string, LuaFunction] => [
  `math.${name}`,
  (...given) => does(...given.map((value, at) => number(value, at + 1, name))),
];

/** The functions of Lua and Redis that the scripts use, by their names in a script. */
export const LIBRARY: Readonly<Record<string, LuaFunction>> = {
  ...Object.fromEntries([mathOf('floor', Math.floor), mathOf('max', Math.max), mathOf('min', Math.min)]),
  'string.char': char,
  'string.find': find,
  'string.format': format,
  'string.sub': sub,
  'table.concat': concat,
  tonumber: toNumber,
  'redis.error_reply': errorReply,
};
