/** The wire contract: generated code is imported by file (`@spawner/proto/v1/backend`); this face holds what is written by hand. */

export { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
export { messageType, requestTypeOf, ScalarType, unsafeIntegers } from './contract.ts';
export * from './descriptors.ts';
export * from './json-read.ts';
export * from './json-schema.ts';
export * from './json-write.ts';
export * from './on-lease-loss.ts';
export * from './spec-digest.ts';
