import { randomUUID } from 'node:crypto';
import { Metadata, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import { AppError, ERROR_CODES, errorCodeOfGrpc, type Violation } from '@spawner/domain';
import { decodeStatusDetails, encodeStatusDetails, STATUS_DETAILS } from './status-details.ts';

/**
 * The most bytes of a message and of all violations. They travel in trailers, and several clients drop a call with trailers above
 * 8 KiB (gRPC core's GRPC_ARG_MAX_METADATA_SIZE, Java). Trailers may have the message twice, and the violations as base64.
 */
const MOST_MESSAGE = 1_024;
const MOST_VIOLATIONS = 3_072;

/** The text of grpc-js for a passed deadline. It has the progress of the call and the peer's address. */
const DEADLINE_TEXT = /^Deadline exceeded\b/;

/**
 * An error as it leaves the process. An AppError keeps its kind, its message, and as many violations as fit. Anything else becomes
 * INTERNAL with an id, and `report` gets the error with the same id.
 */
export function toStatus(error: unknown, report: (error: unknown, id: string) => void): StatusObject {
  if (!(error instanceof AppError)) {
    const id = randomUUID();
    report(error, id);
    return { code: ERROR_CODES.internal.grpc, details: `internal error ${id}`, metadata: new Metadata() };
  }
  const metadata = new Metadata();
  const { grpc } = ERROR_CODES[error.code];
  const message = fitting(error.message);
  if (error.violations.length > 0)
    metadata.set(STATUS_DETAILS, encodeStatusDetails(grpc, message, fittingOf(error.violations)));
  return { code: grpc, details: message, metadata };
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

/** The error of a failed call as an AppError, whose cause names the method. */
export function fromServiceError(error: unknown, path: string): AppError {
  const { code, details, metadata } = error as Partial<ServiceError>;
  if (typeof code !== 'number') return new AppError('internal', `${path} failed`, { cause: error });
  const trailer = metadata?.get(STATUS_DETAILS)[0];
  const violations = Buffer.isBuffer(trailer) ? decodeStatusDetails(trailer) : [];
  const kind = errorCodeOfGrpc(code);
  const late = kind === 'deadline' && DEADLINE_TEXT.test(details ?? '');
  const message = late ? 'there was no answer before the deadline' : details || `${path} failed`;
  return new AppError(kind, message, {
    violations,
    cause: new Error(`${path} answered ${ERROR_CODES[kind].name}${late ? `: ${details}` : ''}`),
  });
}
