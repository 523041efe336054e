import {
  bareName,
  commentOf,
  type Field,
  type MessageType,
  messageType,
  ScalarType,
  TIMESTAMP,
} from './contract.ts';

/** A JSON Schema (2020-12), as OpenAPI 3.1 takes it. */
export type Schema = Readonly<Record<string, unknown>>;

/**
 * The schemas of these messages and of all that they hold, by their short names. They describe the JSON
 * that readJson takes and writeJson writes; `always` names the fields that every answer has.
 */
export function jsonSchemas(
  typeNames: readonly string[],
  always: ReadonlySet<string>,
): Record<string, Schema> {
  const schemas: Record<string, Schema> = {};
  const waiting = typeNames.map(messageType);
  for (let type = waiting.pop(); type; type = waiting.pop()) {
    if (type.typeName === TIMESTAMP || schemas[type.name]) continue;
    schemas[type.name] = objectSchema(type, always);
    for (const field of type.fields) if (field.message) waiting.push(field.message);
  }
  return schemas;
}

/** Points to a message's schema in an OpenAPI document. */
export function schemaRef(typeName: string): Schema {
  return { $ref: `#/components/schemas/${messageType(typeName).name}` };
}

function objectSchema(type: MessageType, always: ReadonlySet<string>): Schema {
  const required = type.fields.filter(({ name }) => always.has(`${type.typeName}.${name}`));
  return {
    type: 'object',
    ...described(commentOf(type)),
    properties: Object.fromEntries(type.fields.map((field) => [field.jsonName, fieldSchema(field)])),
    ...(required.length > 0 ? { required: required.map(({ jsonName }) => jsonName) } : {}),
  };
}

function fieldSchema(field: Field): Schema {
  const description = described(commentOf(field));
  if (field.fieldKind === 'list') return { type: 'array', items: singleSchema(field), ...description };
  if (field.fieldKind === 'map')
    return { type: 'object', additionalProperties: singleSchema(field), ...description };
  return { ...singleSchema(field), ...description };
}

const SCALARS: Partial<Record<ScalarType, Schema>> = {
  [ScalarType.INT32]: { type: 'integer', format: 'int32' },
  [ScalarType.INT64]: { type: 'integer', format: 'int64' },
  [ScalarType.BOOL]: { type: 'boolean' },
  [ScalarType.STRING]: { type: 'string' },
};

function singleSchema(field: Field): Schema {
  if (field.message)
    return field.message.typeName === TIMESTAMP
      ? { type: 'string', format: 'date-time' }
      : schemaRef(field.message.typeName);
  const type = field.enum;
  if (type)
    return {
      type: 'string',
      enum: type.values.filter(({ number }) => number !== 0).map((value) => bareName(type, value)),
    };
  const schema = field.scalar && SCALARS[field.scalar];
  if (!schema) throw new Error(`${field.parent.typeName}.${field.name}: this kind of field has no schema`);
  return schema;
}

function described(description: string): Schema {
  return description === '' ? {} : { description };
}
