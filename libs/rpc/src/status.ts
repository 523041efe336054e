import { randomUUID } from 'node:crypto';
import { Metadata, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import { AppError, ERROR_CODES, errorCodeOfGrpc } from '@spawner/domain';
import { decodeStatusDetails, encodeStatusDetails, STATUS_DETAILS } from './status-details.ts';

/**
 * Errors across a process border. An AppError keeps its kind, message and violations; anything else
 * becomes INTERNAL with an id, and `report` gets the error with the same id.
 */
export function toStatus(error: unknown, report: (error: unknown, id: string) => void): StatusObject {
  if (!(error instanceof AppError)) {
    const id = randomUUID();
    report(error, id);
    return { code: ERROR_CODES.internal.grpc, details: `internal error ${id}`, metadata: new Metadata() };
  }
  const metadata = new Metadata();
  const { grpc } = ERROR_CODES[error.code];
  if (error.violations.length > 0)
    metadata.set(STATUS_DETAILS, encodeStatusDetails(grpc, error.message, error.violations));
  return { code: grpc, details: error.message, metadata };
}

/** What a call failed with, as an AppError whose cause names the method. */
export function fromServiceError(error: unknown, path: string): AppError {
  const { code, details, metadata } = error as Partial<ServiceError>;
  if (typeof code !== 'number') return new AppError('internal', `${path} failed`, { cause: error });
  const trailer = metadata?.get(STATUS_DETAILS)[0];
  const violations = Buffer.isBuffer(trailer) ? decodeStatusDetails(trailer) : [];
  const kind = errorCodeOfGrpc(code);
  const message = details || `${path} failed`;
  return new AppError(kind, message, {
    violations,
    cause: new Error(`${path} answered ${ERROR_CODES[kind].name}`),
  });
}
