import type { Violation } from '@spawner/domain';
import { BinaryReader, BinaryWriter } from '@spawner/proto';

/**
 * The part of google.rpc.Status that carries field violations, as every gRPC client library reads it
 * from the `grpc-status-details-bin` trailer (google/rpc/status.proto, google/rpc/error_details.proto).
 */
const BAD_REQUEST = 'type.googleapis.com/google.rpc.BadRequest';

export const STATUS_DETAILS = 'grpc-status-details-bin';

export function encodeStatusDetails(code: number, message: string, violations: readonly Violation[]): Buffer {
  const badRequest = new BinaryWriter();
  for (const { field, message: description } of violations)
    badRequest.uint32(tag(1)).fork().uint32(tag(1)).string(field).uint32(tag(2)).string(description).join();
  const status = new BinaryWriter();
  status.uint32(tag(1, 0)).int32(code).uint32(tag(2)).string(message);
  status
    .uint32(tag(3))
    .fork()
    .uint32(tag(1))
    .string(BAD_REQUEST)
    .uint32(tag(2))
    .bytes(badRequest.finish())
    .join();
  return Buffer.from(status.finish());
}

/** The violations in such a trailer; none when it has none or cannot be read. */
export function decodeStatusDetails(bytes: Uint8Array): Violation[] {
  try {
    return fields(bytes, 3).flatMap((detail) => {
      const [type] = fields(detail, 1);
      const [value] = fields(detail, 2);
      if (!type || !value || text(type) !== BAD_REQUEST) return [];
      return fields(value, 1).map((violation) => ({
        field: text(fields(violation, 1)[0]),
        message: text(fields(violation, 2)[0]),
      }));
    });
  } catch {
    return [];
  }
}

function tag(field: number, wireType = 2): number {
  return (field << 3) | wireType;
}

function fields(bytes: Uint8Array, wanted: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (const reader = new BinaryReader(bytes); reader.pos < reader.len; ) {
    const [field, wireType] = reader.tag();
    if (field === wanted && wireType === 2) found.push(reader.bytes());
    else reader.skip(wireType);
  }
  return found;
}

function text(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('utf8');
}
