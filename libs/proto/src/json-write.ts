import { bareName, type Field, type MessageType, messageType, TIMESTAMP } from './contract.ts';

/**
 * A message as proto3 JSON for people: lower-camel names, enum values as bare names (`READY`), instants
 * as ISO texts, 64-bit integers as numbers. Absent fields and defaults are left out, except the fields in `always`, each named by message and field: `spawner.v1.Backend.state`.
 */
export function writeJson(
  typeName: string,
  message: object,
  always: ReadonlySet<string> = new Set(),
): Record<string, unknown> {
  return writeMessage(messageType(typeName), message, always);
}

type Values = Readonly<Record<string, unknown>>;

function writeMessage(
  type: MessageType,
  message: object,
  always: ReadonlySet<string>,
): Record<string, unknown> {
  const values = message as Values;
  const written: [string, unknown][] = [];
  for (const field of type.fields) {
    const value = values[field.localName];
    const kept = field.proto.proto3Optional ? value !== undefined : !isDefault(field, value);
    if (kept || (value !== undefined && always.has(`${type.typeName}.${field.name}`)))
      written.push([field.jsonName, writeField(field, value, always)]);
  }
  return Object.fromEntries(written);
}

function writeField(field: Field, value: unknown, always: ReadonlySet<string>): unknown {
  if (field.fieldKind === 'list') return (value as unknown[]).map((part) => writeSingle(field, part, always));
  if (field.fieldKind !== 'map') return writeSingle(field, value, always);
  return Object.fromEntries(
    Object.entries(value as Values).map(([key, part]) => [key, writeSingle(field, part, always)]),
  );
}

function writeSingle(field: Field, value: unknown, always: ReadonlySet<string>): unknown {
  if (field.message?.typeName === TIMESTAMP) return (value as Date).toISOString();
  if (field.message) return writeMessage(field.message, value as object, always);
  if (!field.enum) return value;
  const found = field.enum.values.find(({ number }) => number === value);
  return found ? bareName(field.enum, found) : value;
}

function isDefault(field: Field, value: unknown): boolean {
  if (value === undefined) return true;
  if (field.fieldKind === 'list') return (value as unknown[]).length === 0;
  if (field.fieldKind === 'map') return Object.keys(value as Values).length === 0;
  return value === '' || value === 0 || value === false;
}
