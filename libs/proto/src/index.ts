/** The wire contract: generated code is imported by file (`@spawner/proto/v1/backend`); this face holds what is written by hand. */

export { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
export * from './descriptors.ts';
