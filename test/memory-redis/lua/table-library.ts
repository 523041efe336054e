import { HarnessError } from '../errors.ts';
import { less, tableOf, text, truthy } from './operators.ts';
import { number } from './string-library.ts';
import { fault, type LuaFunction, type LuaTable, type LuaValue, typeName } from './values.ts';

function concat(table: LuaValue, between: LuaValue, from: LuaValue, to: LuaValue): string {
  const of = tableOf(table, 'concat');
  const [begin, end] = [number(from ?? 1, 3, 'concat'), number(to ?? of.length, 4, 'concat')];
  const parts: string[] = [];
  for (let at = begin; at <= end; at++) {
    const value = of.get(at);
    if (typeof value !== 'string' && typeof value !== 'number')
      fault(`invalid value (${typeName(value)}) at index ${at} in table for 'concat'`);
    parts.push(text(value));
  }
  return parts.join(between === undefined ? '' : text(between));
}

function insert(...given: LuaValue[]): LuaValue[] {
  const of = tableOf(given[0], 'insert');
  const length = of.length;
  if (given.length === 2) {
    of.set(length + 1, given[1]);
    return [];
  }
  const at = number(given[1], 2, 'insert');
  if (given.length !== 3) fault("wrong number of arguments to 'insert'");
  if (at < 1 || at > length + 1 || given[2] === undefined)
    throw new HarnessError('table.insert that leaves a gap is not supported here');
  of.replaceList(of.list.toSpliced(at - 1, 0, given[2]));
  return [];
}

function remove(table: LuaValue, at: LuaValue): LuaValue[] {
  const of = tableOf(table, 'remove');
  const length = of.length;
  const place = number(at ?? length, 2, 'remove');
  if (place < 1 || place > length) return [];
  const gone = of.get(place);
  of.replaceList(of.list.toSpliced(place - 1, 1));
  return [gone];
}

function sort(table: LuaValue, before: LuaValue): LuaValue[] {
  const of: LuaTable = tableOf(table, 'sort');
  if (of.length === 0) return [];
  const first =
    typeof before === 'function'
      ? (a: LuaValue, b: LuaValue) => {
          const answer = before(a, b);
          return truthy(Array.isArray(answer) ? (answer[0] as LuaValue) : (answer as LuaValue));
        }
      : less;
  of.replaceList(of.list.toSorted((a, b) => (first(a, b) ? -1 : first(b, a) ? 1 : 0)));
  return [];
}

export const TABLE_LIBRARY: Record<string, LuaFunction> = {
  'table.concat': concat,
  'table.insert': insert,
  'table.remove': remove,
  'table.sort': sort,
};
