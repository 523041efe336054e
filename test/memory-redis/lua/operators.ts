/** Lua's operators for the compiled text: coercions, and errors in Lua's words. */
import { general } from '../c-format.ts';
import { HarnessError } from '../errors.ts';
import { fault, type LuaFunction, type LuaResult, LuaTable, type LuaValue, typeName } from './values.ts';

const NUMERAL = /^[ \t-\r]*[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?)[ \t-\r]*$/i;
/** A string's number, as `tonumber` and arithmetic take it. */
export function numberOf(text: string): number | undefined {
  return digits(text) ?? numeral(text);
}

/** Nearly every number: fifteen digits or fewer. */
function digits(text: string): number | undefined {
  if (text.length === 0 || text.length > 15) return undefined;
  let value = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value;
}

function numeral(text: string): number | undefined {
  if (NUMERAL.test(text)) return Number(text);
  if (/^[ \t-\r]*[-+]?(?:0x|inf|nan)/i.test(text))
    throw new HarnessError(`the numeral ${text} is not implemented`);
  return undefined;
}

/** A number, or a string that is one. */
export function coerced(value: LuaValue): number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? numberOf(value) : undefined;
}

export const truthy = (value: LuaValue): boolean => value !== undefined && value !== false;

export const first = (result: LuaResult): LuaValue =>
  Array.isArray(result) ? (result[0] as LuaValue) : (result as LuaValue);

export const many = (result: LuaResult): readonly LuaValue[] =>
  Array.isArray(result) ? result : [result as LuaValue];

function operand(value: LuaValue): number {
  return coerced(value) ?? fault(`attempt to perform arithmetic on a ${typeName(value)} value`);
}

export const add = (a: LuaValue, b: LuaValue): number =>
  typeof a === 'number' && typeof b === 'number' ? a + b : operand(a) + operand(b);
export const sub = (a: LuaValue, b: LuaValue): number =>
  typeof a === 'number' && typeof b === 'number' ? a - b : operand(a) - operand(b);
export const mul = (a: LuaValue, b: LuaValue): number =>
  typeof a === 'number' && typeof b === 'number' ? a * b : operand(a) * operand(b);
export const div = (a: LuaValue, b: LuaValue): number => operand(a) / operand(b);
export const minus = (a: LuaValue): number => -operand(a);

/** The sign is the divisor's. */
export function mod(left: LuaValue, right: LuaValue): number {
  const [a, b] = [operand(left), operand(right)];
  return a - Math.floor(a / b) * b;
}

export function less(a: LuaValue, b: LuaValue): boolean {
  if (typeof a === 'number' && typeof b === 'number') return a < b;
  if (typeof a === 'string' && typeof b === 'string') return a < b;
  return notComparable(a, b);
}

export function lessOrEqual(a: LuaValue, b: LuaValue): boolean {
  if (typeof a === 'number' && typeof b === 'number') return a <= b;
  if (typeof a === 'string' && typeof b === 'string') return a <= b;
  return notComparable(a, b);
}

/** Lua has no `>`: it turns the operands round. */
export const greater = (a: LuaValue, b: LuaValue): boolean => less(b, a);
export const greaterOrEqual = (a: LuaValue, b: LuaValue): boolean => lessOrEqual(b, a);

function notComparable(a: LuaValue, b: LuaValue): never {
  const [one, other] = [typeName(a), typeName(b)];
  if (one === other) fault(`attempt to compare two ${one} values`);
  fault(`attempt to compare ${one} with ${other}`);
}

/** An operand of `..`. */
export function text(value: LuaValue): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return general(value, 14);
  return fault(`attempt to concatenate a ${typeName(value)} value`);
}

export function length(value: LuaValue): number {
  if (value instanceof LuaTable || typeof value === 'string') return value.length;
  return fault(`attempt to get length of a ${typeName(value)} value`);
}

export function index(base: LuaValue, key: LuaValue): LuaValue {
  if (base instanceof LuaTable) return base.get(key);
  return fault(`attempt to index a ${typeName(base)} value`);
}

export function assign(base: LuaValue, key: LuaValue, value: LuaValue): void {
  if (base instanceof LuaTable) base.set(key, value);
  else fault(`attempt to index a ${typeName(base)} value`);
}

/** Checks a value that is about to be called. */
export function callable(value: LuaValue): LuaFunction {
  if (typeof value === 'function') return value;
  return fault(`attempt to call a ${typeName(value)} value`);
}

export function tableOf(value: LuaValue, where: string): LuaTable {
  if (value instanceof LuaTable) return value;
  return fault(
    `bad argument #1 to '${where}' (table expected, got ${value === undefined ? 'no value' : typeName(value)})`,
  );
}

/** A limit or step of a numeric `for`. */
export function loopNumber(value: LuaValue, what: string): number {
  return coerced(value) ?? fault(`'for' ${what} must be a number`);
}

/** The operators, by the names that the compiled text has for them. */
export const OPERATORS = {
  ...{ add, sub, mul, div, mod, minus },
  ...{ less, lessOrEqual, greater, greaterOrEqual },
  ...{ assign, callable, first, index, length, loopNumber, many, tableOf, text, truthy },
};
