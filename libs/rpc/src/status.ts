import { randomUUID } from 'node:crypto';
import { Metadata, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import { AppError, ERROR_CODES, type ErrorCode, errorCodeOfGrpc, type Violation } from '@spawner/domain';
import { decodeStatusDetails, encodeStatusDetails, STATUS_DETAILS } from './status-details.ts';

/**
 * The most bytes of a message and of all violations. They travel in trailers, and several clients drop a call with trailers above
 * 8 KiB (gRPC core's GRPC_ARG_MAX_METADATA_SIZE, Java). Trailers may have the message twice, and the violations as base64.
 */
const MOST_MESSAGE = 1_024;
const MOST_VIOLATIONS = 3_072;

/**
 * An error for the wire. An AppError keeps its kind, its message and as many violations as fit. Anything else becomes
 * INTERNAL with an id, and `report` gets the error with the same id.
 */
export function toStatus(error: unknown, report: (error: unknown, id: string) => void): StatusObject {
  if (error instanceof AppError) return statusOf(error.code, fitting(error.message), error.violations);
  const id = randomUUID();
  report(error, id);
  return statusOf('internal', `internal error ${id}`, []);
}

function statusOf(kind: ErrorCode, message: string, violations: readonly Violation[]): StatusObject {
  const { grpc: code, name: reason } = ERROR_CODES[kind];
  const metadata = new Metadata();
  metadata.set(STATUS_DETAILS, encodeStatusDetails(code, reason, message, fittingOf(violations)));
  return { code, details: message, metadata };
}

/** The text, cut if it is too long. Sizes count the percent-encoded form (PROTOCOL-HTTP2, Status-Message). */
function fitting(text: string): string {
  const whole = text.toWellFormed();
  let end = 0;
  let size = 0;
  for (const character of whole) {
    size += encodeURI(character).length;
    if (size > MOST_MESSAGE) return `${whole.slice(0, end)}…`;
    end += character.length;
  }
  return whole;
}

/** As many of the first violations as fit, and the number of the others. */
function fittingOf(violations: readonly Violation[]): readonly Violation[] {
  let size = 0;
  const tooMany = violations.findIndex(({ field, message }) => {
    size += Buffer.byteLength(field) + Buffer.byteLength(message) + 8;
    return size > MOST_VIOLATIONS;
  });
  if (tooMany === -1) return violations;
  const more = violations.length - tooMany;
  return [...violations.slice(0, tooMany), { field: '', message: `and ${more} more` }];
}

/**
 * The error of a call as an AppError, whose cause names the method. An error that the peer did not answer with was made by
 * the gRPC library: its text may name addresses inside the cluster, so it goes into the cause only. `peer` names the service
 * in the message, for instance `the scheduler`.
 */
export function fromServiceError(error: unknown, path: string, peer: string): AppError {
  const { code, details = '', metadata } = error as Partial<ServiceError>;
  if (typeof code !== 'number') return new AppError('internal', `${path} failed`, { cause: error });
  const kind = errorCodeOfGrpc(code);
  const { name } = ERROR_CODES[kind];
  const trailer = metadata?.get(STATUS_DETAILS)[0];
  const violations = Buffer.isBuffer(trailer) ? decodeStatusDetails(trailer) : undefined;
  if (violations)
    return new AppError(kind, details, { violations, cause: new Error(`${path} answered ${name}`) });
  const cause = new Error(`${path} failed with ${name}: ${details}`);
  if (kind === 'unavailable') return new AppError(kind, `${peer} cannot be reached; try again`, { cause });
  if (kind === 'deadline') return new AppError(kind, 'there was no answer before the deadline', { cause });
  return new AppError(kind, details || `${path} failed`, { cause });
}
