import { wrongType } from './reply.ts';
import { SortedSet } from './sorted-set.ts';
import { Stream } from './stream.ts';

export type Value = string | Map<string, string> | Set<string> | SortedSet | Stream;

/** A whole keyspace as it was; nothing changes it. */
export interface Snapshot {
  readonly values: ReadonlyMap<string, Value>;
  readonly expiries: ReadonlyMap<string, number>;
}

/** Redis's keys: their values and when they go. Hashes keep the order in which their fields came. */
export class Keyspace {
  readonly #nowMillis: () => number;
  readonly #onChange: (key: string) => void;
  #values = new Map<string, Value>();
  /** In milliseconds of the server's own time. */
  #expiries = new Map<string, number>();

  /** `onChange` hears of every key that is written or goes, expiry included. */
  constructor(nowMillis: () => number, onChange: (key: string) => void) {
    this.#nowMillis = nowMillis;
    this.#onChange = onChange;
  }

  get(key: string): Value | undefined {
    if (this.#expiries.size > 0) this.#expire(key);
    return this.#values.get(key);
  }

  string(key: string): string | undefined {
    const value = this.get(key);
    if (value === undefined || typeof value === 'string') return value;
    throw wrongType();
  }

  hash(key: string): Map<string, string> | undefined {
    const value = this.get(key);
    if (value === undefined || value instanceof Map) return value;
    throw wrongType();
  }

  set(key: string): Set<string> | undefined {
    const value = this.get(key);
    if (value === undefined || value instanceof Set) return value;
    throw wrongType();
  }

  sortedSet(key: string): SortedSet | undefined {
    const value = this.get(key);
    if (value === undefined || value instanceof SortedSet) return value;
    throw wrongType();
  }

  stream(key: string): Stream | undefined {
    const value = this.get(key);
    if (value === undefined || value instanceof Stream) return value;
    throw wrongType();
  }

  /** Writes a value, new or changed in place; one that has become empty goes. An expiry stays. */
  put(key: string, value: Value): void {
    if (isEmpty(value)) {
      this.delete(key);
      return;
    }
    this.#values.set(key, value);
    this.#onChange(key);
  }

  delete(key: string): boolean {
    if (this.get(key) === undefined) return false;
    this.#values.delete(key);
    this.#expiries.delete(key);
    this.#onChange(key);
    return true;
  }

  /** When a key goes, in milliseconds; undefined for never. */
  expiry(key: string): number | undefined {
    return this.get(key) === undefined ? undefined : this.#expiries.get(key);
  }

  /** Lets a key go at an instant, or stay for good. */
  expireAt(key: string, millis: number | undefined): void {
    if (millis === undefined) this.#expiries.delete(key);
    else this.#expiries.set(key, millis);
    this.#onChange(key);
  }

  keys(): string[] {
    return [...this.#values.keys()].filter((key) => this.get(key) !== undefined);
  }

  clear(): void {
    this.restore({ values: new Map(), expiries: new Map() });
  }

  snapshot(): Snapshot {
    return { values: cloneAll(this.#values), expiries: new Map(this.#expiries) };
  }

  restore({ values, expiries }: Snapshot): void {
    const changed = new Set([...this.#values.keys(), ...values.keys()]);
    this.#values = cloneAll(values);
    this.#expiries = new Map(expiries);
    for (const key of changed) this.#onChange(key);
  }

  #expire(key: string): void {
    const at = this.#expiries.get(key);
    if (at === undefined || at > this.#nowMillis()) return;
    this.#values.delete(key);
    this.#expiries.delete(key);
    this.#onChange(key);
  }
}

/** Streams and texts may be empty. */
function isEmpty(value: Value): boolean {
  return typeof value !== 'string' && !(value instanceof Stream) && value.size === 0;
}

function cloneAll(values: ReadonlyMap<string, Value>): Map<string, Value> {
  const copy = new Map<string, Value>();
  for (const [key, value] of values) copy.set(key, cloneOf(value));
  return copy;
}

function cloneOf(value: Value): Value {
  if (typeof value === 'string') return value;
  if (value instanceof Map) return new Map(value);
  if (value instanceof Set) return new Set(value);
  return value.clone();
}
