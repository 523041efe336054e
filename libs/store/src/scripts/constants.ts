import { BinaryWriter, messageType, ScalarType, WireType } from '@spawner/proto';
import { RouteState } from '@spawner/proto/internal/route';
import { Access, BackendState, EndReason } from '@spawner/proto/v1/backend';
import { DUE } from '../due.ts';
import { CATALOGUE, DECLARED_KEY } from '../keys.ts';
import { AWAITED, MEMBERS, REGISTRATION } from '../members.ts';
import { ROWS } from '../rows.ts';

/** The route log keeps about this many entries. A replica that is further behind loads the table again. */
const ROUTE_LOG_LENGTH = 20_000;

const INTERNAL = 'spawner.internal.v1';

/** Fields that scripts append to serialized messages, whose last occurrence counts. */
const FIELDS: Readonly<Record<string, [message: string, field: string]>> = {
  ROW_EPOCH: ['RouteRow', 'epoch'],
  ROW_BACKEND: ['RouteRow', 'backend'],
  ROUTE_STATE: ['BackendRoute', 'state'],
  ROUTE_DRONE: ['BackendRoute', 'drone_id'],
  ROUTE_END_REASON: ['BackendRoute', 'end_reason'],
  ROUTE_BACKEND_STATE: ['BackendRoute', 'backend_state'],
  ROUTE_ACCESS: ['BackendRoute', 'access'],
  ROUTE_PAGES: ['BackendRoute', 'pages'],
  NODE_REPLACED: ['Node', 'replaced_registration'],
  FACTS_CANDIDATES: ['BackendFacts', 'candidates'],
  FACTS_STEPS: ['BackendFacts', 'steps'],
  ORDER_ID: ['StopOrder', 'id'],
};

type Constant = readonly [name: string, lua: () => string];

/**
 * Every constant that a script may name, each with its Lua text; one may use those before it. The text is made when it is
 * first needed, since few programs need the descriptors.
 */
export const CONSTANTS: readonly Constant[] = [
  ['CLUSTER', () => `string.sub(KEYS[1], 1, -${DECLARED_KEY.length + 1})`],
  ...Object.entries(CATALOGUE).map(keyConstant),
  ...prefixes('ROW', ROWS),
  ...prefixes('DUE', DUE),
  ...prefixes('MEMBER', MEMBERS),
  ['REGISTRATION', () => quoted(REGISTRATION)],
  ['AWAITED', () => quoted(AWAITED)],
  ['ROUTE_LOG_LENGTH', () => String(ROUTE_LOG_LENGTH)],
  ...values('', BackendState),
  ...values('ROUTE_', RouteState),
  ...values('REASON_', EndReason),
  ...values('ACCESS_', Access),
  ...Object.entries(FIELDS).map(
    ([name, of]): Constant => [`FIELD_${name}`, () => `'${escaped(tagOf(...of))}'`],
  ),
];

/**
 * A key's name, or the part of it before an id (`drone:<id>` is DRONE) or behind one (`drone:<id>:stops` is
 * STOPS).
 */
function keyConstant([name, { pattern }]: [string, { pattern: string }]): Constant {
  const constant = name.replaceAll(/[A-Z]/g, '_$&').toUpperCase();
  const [before = '', behind] = pattern.split(/<\w+>/);
  return [constant, () => (behind ? quoted(behind) : `CLUSTER .. ${quoted(before)}`)];
}

function prefixes(group: string, of: Readonly<Record<string, string>>): Constant[] {
  return Object.entries(of).map(([name, prefix]) => [`${group}_${name.toUpperCase()}`, () => quoted(prefix)]);
}

function values(prefix: string, type: Readonly<Record<string, string | number>>): Constant[] {
  return Object.entries(type)
    .filter(([name, value]) => typeof value === 'number' && /^[A-Z]/.test(name))
    .map(([name, value]) => [prefix + name, () => String(value)]);
}

/** A field's tag as protobuf writes it: its number and wire type, as a varint (protobuf.dev, "Encoding"). */
function tagOf(message: string, name: string): Uint8Array {
  const field = messageType(`${INTERNAL}.${message}`).fields.find((each) => each.name === name);
  if (!field) throw new Error(`the contract has no field ${message}.${name}`);
  const isDelimited =
    field.fieldKind === 'message' || (field.fieldKind === 'scalar' && field.scalar === ScalarType.STRING);
  const wireType = isDelimited ? WireType.LengthDelimited : WireType.Varint;
  return new BinaryWriter().tag(field.number, wireType).finish();
}

const quoted = (name: string) => `'${name}'`;

/** Bytes as Lua's decimal escapes. */
function escaped(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `\\${String(byte).padStart(3, '0')}`).join('');
}
