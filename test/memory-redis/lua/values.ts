import { HarnessError } from '../errors.ts';

/**
 * Lua's values in JavaScript: nil is undefined, strings are bytes as latin1 strings. A function answers one value, or an
 * array of any number of them. A Lua table is never an array, so the two cannot be confused.
 */
export type LuaValue = undefined | boolean | number | string | LuaTable | LuaFunction;
export type LuaResult = LuaValue | readonly LuaValue[];
export type LuaFunction = (...args: LuaValue[]) => LuaResult;

/** The line that the script is at. Scripts do not run inside one another. */
export const place = { line: 0 };

/** An error that a script raised: a text, or a table as `redis.call` raises it. */
export class LuaError extends Error {
  readonly value: LuaValue;

  constructor(value: LuaValue) {
    super(typeof value === 'string' ? value : 'a Lua error');
    this.value = value;
  }
}

/** Raises an error of the language itself, with its line as Redis tells it. */
export function fault(problem: string): never {
  throw new LuaError(`user_script:${place.line}: ${problem}`);
}

export function typeName(value: LuaValue): string {
  if (value === undefined) return 'nil';
  return value instanceof LuaTable ? 'table' : typeof value;
}

/** A table: a list from 1 without gaps, or the status or error that Redis makes of a reply. */
export class LuaTable {
  readonly #list: LuaValue[];
  readonly reply: { readonly ok?: string; readonly err?: string };

  /** Takes the list, which has no nil. */
  constructor(list: LuaValue[] = [], reply: LuaTable['reply'] = {}) {
    this.#list = list;
    this.reply = reply;
  }

  /** A constructor's list. A nil is refused: Lua may then give the list any of several lengths. */
  static of(values: LuaValue[]): LuaTable {
    if (values.includes(undefined))
      throw new HarnessError(`line ${place.line}: a list with a gap is not implemented`);
    return new LuaTable(values);
  }

  get(key: LuaValue): LuaValue {
    if (typeof key === 'number') return this.#list[key - 1];
    throw new HarnessError(`line ${place.line}: a table with the key ${String(key)} is not implemented`);
  }

  set(key: LuaValue, value: LuaValue): void {
    const fits = typeof key === 'number' && Number.isInteger(key) && key >= 1 && key <= this.#list.length + 1;
    if (!fits || value === undefined)
      throw new HarnessError(`line ${place.line}: a table that is no list is not implemented`);
    this.#list[key - 1] = value;
  }

  get length(): number {
    return this.#list.length;
  }

  /** The list's values, which must not be changed. */
  get list(): readonly LuaValue[] {
    return this.#list;
  }
}
