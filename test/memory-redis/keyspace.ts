import { wrongType } from './reply.ts';
import { SortedSet } from './sorted-set.ts';
import { Stream } from './stream.ts';

export type Value = string | Map<string, string> | Set<string> | SortedSet | Stream;

/** A whole keyspace at one moment. It never changes. */
export type Snapshot = ReadonlyMap<string, Value>;

/** Redis's keys and their values. No key expires: the services that use expiries are not simulated. */
export class Keyspace {
  readonly #onChange: (key: string) => void;
  #values = new Map<string, Value>();

  /** Calls `onChange` for every key that is written or deleted. */
  constructor(onChange: (key: string) => void) {
    this.#onChange = onChange;
  }

  get(key: string): Value | undefined {
    return this.#values.get(key);
  }

  string(key: string): string | undefined {
    const value = this.#values.get(key);
    if (value === undefined || typeof value === 'string') return value;
    throw wrongType();
  }

  /** A hash keeps the order in which its fields were first written. */
  hash(key: string): Map<string, string> | undefined {
    const value = this.#values.get(key);
    if (value === undefined || value instanceof Map) return value;
    throw wrongType();
  }

  set(key: string): Set<string> | undefined {
    const value = this.#values.get(key);
    if (value === undefined || value instanceof Set) return value;
    throw wrongType();
  }

  sortedSet(key: string): SortedSet | undefined {
    const value = this.#values.get(key);
    if (value === undefined || value instanceof SortedSet) return value;
    throw wrongType();
  }

  stream(key: string): Stream | undefined {
    const value = this.#values.get(key);
    if (value === undefined || value instanceof Stream) return value;
    throw wrongType();
  }

  /** Writes a value, new or changed in place. An empty collection is deleted. */
  put(key: string, value: Value): void {
    if (isEmpty(value)) {
      this.delete(key);
      return;
    }
    this.#values.set(key, value);
    this.#onChange(key);
  }

  delete(key: string): boolean {
    if (!this.#values.delete(key)) return false;
    this.#onChange(key);
    return true;
  }

  keys(): string[] {
    return [...this.#values.keys()];
  }

  clear(): void {
    this.restore(new Map());
  }

  snapshot(): Snapshot {
    return cloneAll(this.#values);
  }

  restore(snapshot: Snapshot): void {
    const changed = new Set([...this.#values.keys(), ...snapshot.keys()]);
    this.#values = cloneAll(snapshot);
    for (const key of changed) this.#onChange(key);
  }
}

/** Redis keeps empty streams and strings. */
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
