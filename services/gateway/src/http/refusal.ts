import { randomUUID } from 'node:crypto';
import { AppError, ERROR_CODES, type ErrorCode, type Violation } from '@spawner/domain';

/** An error with a status of its own, which only HTTP has. */
export class Refusal extends AppError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: ErrorCode,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(code, message);
    this.status = status;
    this.headers = headers;
  }
}

export interface ErrorAnswer {
  status: number;
  headers: Readonly<Record<string, string>>;
  /** `code` is the name of the gRPC status; `details` has one entry for each wrong field. */
  body: { code: string; message: string; details: Violation[] };
}

/**
 * The answer to a failed request. `field` translates the path of a violation. An unexpected error becomes INTERNAL with an
 * id, and `report` gets the error with the same id.
 */
export function errorAnswer(
  error: unknown,
  field: (path: string) => string,
  report: (error: unknown, id: string) => void,
): ErrorAnswer {
  if (!(error instanceof AppError)) {
    const id = randomUUID();
    report(error, id);
    const message = `internal error ${id}`;
    return { status: 500, headers: {}, body: { code: ERROR_CODES.internal.name, message, details: [] } };
  }
  const { name, http } = ERROR_CODES[error.code];
  const details = error.violations.map((violation) => ({ ...violation, field: field(violation.field) }));
  const body = { code: name, message: messageOf(error, details), details };
  if (error instanceof Refusal) return { status: error.status, headers: error.headers, body };
  return { status: http, headers: error.code === 'unavailable' ? { 'retry-after': '1' } : {}, body };
}

function messageOf(error: AppError, details: readonly Violation[]): string {
  if (details.length === 0) return error.message;
  return `invalid request: ${details.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`)).join('; ')}`;
}
