import type { Violation } from '@spawner/domain';
import type { Any } from '@spawner/proto/google/protobuf/any';
import { BadRequest, ErrorInfo } from '@spawner/proto/google/rpc/error_details';
import { Status } from '@spawner/proto/google/rpc/status';

/** The trailer in which gRPC client libraries look for a google.rpc.Status. */
export const STATUS_DETAILS = 'grpc-status-details-bin';

const TYPES = 'type.googleapis.com/google.rpc.';
const DOMAIN = 'spawner';

/**
 * A Status with an ErrorInfo, which marks the error as an answer of ours, and a BadRequest if there are violations. `code` is the
 * number of the gRPC status, `reason` the name of the error's kind.
 */
export function encodeStatusDetails(
  code: number,
  reason: string,
  message: string,
  violations: readonly Violation[],
): Buffer {
  const details = [anyOf('ErrorInfo', ErrorInfo.encode({ reason, domain: DOMAIN, metadata: {} }).finish())];
  if (violations.length > 0) {
    const fieldViolations = violations.map(({ field, message: description }) => ({ field, description }));
    details.push(anyOf('BadRequest', BadRequest.encode({ fieldViolations }).finish()));
  }
  return Buffer.from(Status.encode({ code, message, details }).finish());
}

/** The violations in such a trailer. Returns undefined if the error is not an answer of a Spawner service. */
export function decodeStatusDetails(bytes: Uint8Array): Violation[] | undefined {
  try {
    const { details } = Status.decode(bytes);
    const infos = detailsIn(details, 'ErrorInfo').map((value) => ErrorInfo.decode(value));
    if (!infos.some(({ domain }) => domain === DOMAIN)) return undefined;
    return detailsIn(details, 'BadRequest')
      .flatMap((value) => BadRequest.decode(value).fieldViolations)
      .map(({ field, description }) => ({ field, message: description }));
  } catch {
    return undefined;
  }
}

function anyOf(name: string, value: Uint8Array): Any {
  return { typeUrl: TYPES + name, value: Buffer.from(value) };
}

function detailsIn(details: readonly Any[], name: string): Uint8Array[] {
  return details.filter(({ typeUrl }) => typeUrl === TYPES + name).map(({ value }) => value);
}
