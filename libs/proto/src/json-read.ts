import {
  bareName,
  type EnumType,
  type Field,
  type MessageType,
  messageType,
  ScalarType,
  TIMESTAMP,
} from './contract.ts';

/**
 * Reads proto3 JSON strictly. Every unknown field, wrong type and wrong name is collected with its path, so that a caller
 * gets all of them at once. The result suits a message's `fromJSON`.
 */
export interface Fault {
  /** Path as the caller wrote it, for instance `spec.resources.cpuMillis`; empty for the whole. */
  field: string;
  message: string;
}

export interface Reading {
  message: Record<string, unknown>;
  faults: Fault[];
}

const MOST_FAULTS = 100;
const INT32 = 2 ** 31;

/** Reads a parsed JSON value as the message `typeName`; at most 100 faults are returned. */
export function readJson(typeName: string, value: unknown): Reading {
  const faults: Fault[] = [];
  const message = readMessage(messageType(typeName), value, '', (field, text) => {
    if (faults.length < MOST_FAULTS) faults.push({ field, message: text });
    return undefined;
  });
  return { message: (message ?? {}) as Record<string, unknown>, faults };
}

/** A path of proto field names (`spec.stop_grace_ms`) in JSON names (`spec.stopGraceMs`); map keys stay as they are. */
export function jsonPath(typeName: string, path: string): string {
  let type: MessageType | undefined = messageType(typeName);
  const names: string[] = [];
  for (const [name, index] of path.split('.').map((part) => part.split('[') as [string, string?])) {
    const field: Field | undefined = type?.fields.find((candidate) => candidate.name === name);
    const shown: string = field?.jsonName ?? name;
    names.push(index === undefined ? shown : `${shown}[${index}`);
    type = field?.fieldKind === 'message' ? field.message : undefined;
  }
  return names.join('.');
}

type Fail = (path: string, text: string) => undefined;

function readMessage(type: MessageType, value: unknown, at: string, fail: Fail): unknown {
  if (type.typeName === TIMESTAMP) return readTimestamp(value, at, fail);
  if (!isObject(value)) return fail(at, `must be an object, not ${kindOf(value)}`);
  const read: [string, unknown][] = [];
  for (const [name, part] of Object.entries(value)) {
    const path = at === '' ? printable(name) : `${at}.${printable(name)}`;
    const field = type.fields.find((candidate) => candidate.jsonName === name || candidate.name === name);
    if (!field) fail(path, 'unknown field');
    else if (read.some(([taken]) => taken === field.jsonName))
      fail(path, 'given twice, under both of its names');
    else if (part !== null) read.push([field.jsonName, readField(field, part, path, fail)]);
  }
  return Object.fromEntries(read);
}

function readField(field: Field, value: unknown, at: string, fail: Fail): unknown {
  if (field.fieldKind === 'list') {
    if (!Array.isArray(value)) return fail(at, `must be an array, not ${kindOf(value)}`);
    return value.map((part, index) => readSingle(field, part, `${at}[${index}]`, fail));
  }
  if (field.fieldKind !== 'map') return readSingle(field, value, at, fail);
  if (!isObject(value)) return fail(at, `must be an object, not ${kindOf(value)}`);
  const entries = Object.entries(value).map(([key, part]) => {
    const path = `${at}.${printable(key)}`;
    if (key === '__proto__' || !key.isWellFormed()) fail(path, 'not a name that can be used');
    return [key, readSingle(field, part, path, fail)];
  });
  return Object.fromEntries(entries);
}

function readSingle(field: Field, value: unknown, at: string, fail: Fail): unknown {
  if (field.message) return readMessage(field.message, value, at, fail);
  if (field.enum) return readEnum(field.enum, value, at, fail);
  return readScalar(field.scalar, value, at, fail);
}

function readEnum(type: EnumType, value: unknown, at: string, fail: Fail): unknown {
  const found = type.values.find(
    (candidate) => candidate.name === value || bareName(type, candidate) === value,
  );
  const names = type.values.filter(({ number }) => number !== 0).map((known) => bareName(type, known));
  return found?.name ?? fail(at, `must be one of ${names.join(', ')}`);
}

function readScalar(scalar: ScalarType | undefined, value: unknown, at: string, fail: Fail): unknown {
  switch (scalar) {
    case ScalarType.STRING:
      if (typeof value !== 'string') return fail(at, `must be a string, not ${kindOf(value)}`);
      return value.isWellFormed() ? value : fail(at, 'has half a character (a lone surrogate)');
    case ScalarType.BOOL:
      return typeof value === 'boolean' ? value : fail(at, `must be true or false, not ${kindOf(value)}`);
    case ScalarType.INT32:
      return readInteger(value, -INT32, INT32 - 1, at, fail);
    case ScalarType.INT64: {
      const number = typeof value === 'string' && /^-?\d{1,19}$/.test(value) ? Number(value) : value;
      return readInteger(number, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, at, fail);
    }
    default:
      throw new Error(`${at}: this kind of field is not read from JSON`);
  }
}

function readInteger(value: unknown, min: number, max: number, at: string, fail: Fail): unknown {
  if (typeof value !== 'number') return fail(at, `must be a whole number, not ${kindOf(value)}`);
  if (!Number.isInteger(value)) return fail(at, 'must be a whole number');
  return value >= min && value <= max ? value : fail(at, `must be a whole number from ${min} to ${max}`);
}

function readTimestamp(value: unknown, at: string, fail: Fail): unknown {
  const good = typeof value === 'string' && /^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:\d\d)$/.test(value);
  return good && !Number.isNaN(Date.parse(value)) ? value : fail(at, 'must be an RFC 3339 time');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function printable(name: string): string {
  return JSON.stringify(name.slice(0, 64)).slice(1, -1);
}
