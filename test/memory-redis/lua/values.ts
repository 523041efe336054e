import { HarnessError } from '../errors.ts';
/**
 * Lua's values in JavaScript: nil is undefined, strings are bytes as latin1 strings. A function answers one value,
 * or an array of any number of them; a Lua table is never an array, so the two cannot be taken for one another.
 */
export type LuaValue = undefined | boolean | number | string | LuaTable | LuaFunction;
export type LuaResult = LuaValue | readonly LuaValue[];
export type LuaFunction = (...args: LuaValue[]) => LuaResult;

/** Where the script is; scripts do not run inside one another. */
export const place = { line: 0 };

/** What a script raised: a text, or a table as `redis.call` raises it. */
export class LuaError extends Error {
  readonly value: LuaValue;

  constructor(value: LuaValue) {
    super(typeof value === 'string' ? value : 'a Lua error');
    this.value = value;
  }
}

/** Raises what the language itself finds wrong, with its line as Redis tells it. */
export function fault(problem: string): never {
  throw new LuaError(`user_script:${place.line}: ${problem}`);
}

export function typeName(value: LuaValue): string {
  if (value === undefined) return 'nil';
  return value instanceof LuaTable ? 'table' : typeof value;
}

/** A table: a list from 1 without a gap, and whatever else. */
export class LuaTable {
  #list: LuaValue[];
  #rest: Map<LuaValue, LuaValue> | undefined;

  /** Takes the list, in which no value is nil. */
  constructor(list: LuaValue[] = []) {
    this.#list = list;
  }

  /** A constructor's list, in which values may be nil. */
  static of(values: readonly LuaValue[]): LuaTable {
    const gap = values.indexOf(undefined);
    if (gap === -1) return new LuaTable([...values]);
    const table = new LuaTable(values.slice(0, gap));
    for (let at = gap; at < values.length; at++) table.set(at + 1, values[at]);
    return table;
  }

  get(key: LuaValue): LuaValue {
    if (typeof key === 'number') {
      const value = this.#list[key - 1];
      if (value !== undefined) return value;
    }
    return this.#rest?.get(key);
  }

  set(key: LuaValue, value: LuaValue): void {
    if (key === undefined) fault('table index is nil');
    if (typeof key !== 'number') this.#setRest(key, value);
    else if (Number.isNaN(key)) fault('table index is NaN');
    else if (key === this.#list.length + 1) this.#append(value);
    else if (Number.isInteger(key) && key >= 1 && key <= this.#list.length) this.#replace(key, value);
    else this.#setRest(key, value);
  }

  /** `#`. Where a list has gaps Lua may answer any of several lengths: that is an error here. */
  get length(): number {
    if (this.#rest)
      for (const key of this.#rest.keys())
        if (typeof key === 'number' && key > 0 && Number.isInteger(key))
          throw new HarnessError(`line ${place.line}: the length of a list with gaps is not defined`);
    return this.#list.length;
  }

  /** The list's values; not to be changed. */
  get list(): readonly LuaValue[] {
    return this.#list;
  }

  /** Replaces the list, in which no value is nil. */
  replaceList(list: LuaValue[]): void {
    this.#list = list;
  }

  /** The keys as they are now: the list's, then others in the order in which they came, which Lua leaves open. */
  keys(): LuaValue[] {
    const keys: LuaValue[] = this.#list.map((_, index) => index + 1);
    if (this.#rest) keys.push(...this.#rest.keys());
    return keys;
  }

  #append(value: LuaValue): void {
    if (value === undefined) return;
    this.#list.push(value);
    if (!this.#rest) return;
    for (let next = this.#list.length + 1; ; next++) {
      const moved = this.#rest.get(next);
      if (moved === undefined) return;
      this.#rest.delete(next);
      this.#list.push(moved);
    }
  }

  #replace(key: number, value: LuaValue): void {
    if (value !== undefined) {
      this.#list[key - 1] = value;
      return;
    }
    const beyond = this.#list.splice(key - 1);
    for (let at = 1; at < beyond.length; at++) this.#setRest(key + at, beyond[at]);
  }

  #setRest(key: LuaValue, value: LuaValue): void {
    if (value === undefined) this.#rest?.delete(key);
    else {
      this.#rest ??= new Map();
      this.#rest.set(key, value);
    }
  }
}
