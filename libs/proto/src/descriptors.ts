import { readFileSync } from 'node:fs';

/** The whole contract as a serialized google.protobuf.FileDescriptorSet, as `buf build` wrote it. */
export function descriptorSet(): Buffer {
  return readFileSync(new URL('./gen/spawner.binpb', import.meta.url));
}

/** The set's files, each a serialized FileDescriptorProto: field 1 of the set, length-delimited. */
export function fileDescriptors(set: Buffer = descriptorSet()): Buffer[] {
  const files: Buffer[] = [];
  for (let at = 0; at < set.length; ) {
    if (set[at++] !== 0x0a) throw new Error('not a FileDescriptorSet');
    let length = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      const byte = set[at++];
      if (byte === undefined || shift > 28) throw new Error('truncated FileDescriptorSet');
      length |= (byte & 0x7f) << shift;
      more = byte >= 0x80;
    }
    files.push(set.subarray(at, at + length));
    at += length;
  }
  return files;
}
