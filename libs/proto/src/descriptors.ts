import { readFileSync } from 'node:fs';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

/** The whole contract as a serialized google.protobuf.FileDescriptorSet, as `buf build` wrote it. */
export function descriptorSet(): Buffer {
  return readFileSync(new URL('./gen/spawner.binpb', import.meta.url));
}

/** The files of the set, each a serialized FileDescriptorProto. */
export function fileDescriptors(set: Uint8Array = descriptorSet()): Buffer[] {
  const { file } = fromBinary(FileDescriptorSetSchema, set);
  return file.map((each) => Buffer.from(toBinary(FileDescriptorProtoSchema, each)));
}
