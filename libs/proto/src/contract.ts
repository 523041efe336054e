import {
  createFileRegistry,
  type DescEnum,
  type DescField,
  type DescMessage,
  fromBinary,
  type Message,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { descriptorSet } from './descriptors.ts';

/** The contract as it describes itself: every message with its fields, names and comments, read once when first asked for. */
let registry: ReturnType<typeof createFileRegistry> | undefined;

function contract(): ReturnType<typeof createFileRegistry> {
  registry ??= createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorSet()));
  return registry;
}

export type {
  DescEnum as EnumType,
  DescField as Field,
  DescMessage as MessageType,
} from '@bufbuild/protobuf';
export { ScalarType } from '@bufbuild/protobuf';

export const TIMESTAMP = 'google.protobuf.Timestamp';

/** A message of the contract by its full name, for instance `spawner.v1.Backend`. Throws when there is none. */
export function messageType(typeName: string): DescMessage {
  const found = contract().getMessage(typeName);
  if (!found) throw new Error(`the contract has no message ${typeName}`);
  return found;
}

/** Full name of the message that a method takes, by the path that gRPC calls it by: `/spawner.v1.BackendService/GetBackend`. */
export function requestTypeOf(path: string): string {
  const [, service = '', name = ''] = path.split('/');
  const method = contract()
    .getService(service)
    ?.methods.find((each) => each.name === name);
  if (!method) throw new Error(`the contract has no method ${path}`);
  return method.input.typeName;
}

/** The name of an enum's value without the enum's prefix: `READY`. */
export function bareName(type: DescEnum, value: { name: string }): string {
  return value.name.slice(type.sharedPrefix?.length ?? 0);
}

/** The comment of a message or a field in the contract, as one line; empty without a comment. */
export function commentOf(of: DescMessage | DescField): string {
  const message = of.kind === 'message' ? of : of.parent;
  const path = [4, message.file.proto.messageType.indexOf(message.proto)];
  if (of.kind === 'field') path.push(2, message.proto.field.indexOf(of.proto));
  const wanted = path.join('.');
  const location = message.file.proto.sourceCodeInfo?.location.find((at) => at.path.join('.') === wanted);
  return (location?.leadingComments ?? '').trim().replace(/\s+/g, ' ');
}

/**
 * The 64-bit integers in an encoded message that a JavaScript number cannot hold, each a path of field
 * names. Throws when the bytes are not such a message.
 */
export function unsafeIntegers(typeName: string, bytes: Uint8Array): string[] {
  const type = messageType(typeName);
  return unsafeIn(type, fromBinary(type, bytes), '');
}

function unsafeIn(type: DescMessage, message: Message, at: string): string[] {
  const values = message as unknown as Readonly<Record<string, unknown>>;
  return type.fields.flatMap((field) => {
    const value = values[field.localName];
    if (field.fieldKind === 'message' && value)
      return unsafeIn(field.message, value as Message, `${at}${field.name}.`);
    return typeof value === 'bigint' && !Number.isSafeInteger(Number(value)) ? [`${at}${field.name}`] : [];
  });
}
