import { randomUUID } from 'node:crypto';
import { AppError, ERROR_CODES, type ErrorCode, type Violation } from '@spawner/domain';
import { type Answer, json } from './reply.ts';

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

/**
 * The answer to a failed request: the name of the gRPC status, a text, and one entry for each wrong field. `field`
 * translates the path of a violation. An unexpected error becomes INTERNAL with an id, and `report` gets the error with
 * the same id.
 */
export function errorAnswer(
  error: unknown,
  field: (path: string) => string,
  report: (error: unknown, id: string) => void,
): Answer {
  if (!(error instanceof AppError)) {
    const id = randomUUID();
    report(error, id);
    const body = { code: ERROR_CODES.internal.name, message: `internal error ${id}`, details: [] };
    return { reply: json(body, 500), headers: {} };
  }
  const { name, http } = ERROR_CODES[error.code];
  const details = error.violations.map((violation) => ({ ...violation, field: field(violation.field) }));
  const body = { code: name, message: messageOf(error, details), details };
  if (error instanceof Refusal) return { reply: json(body, error.status), headers: error.headers };
  return { reply: json(body, http), headers: error.code === 'unavailable' ? { 'retry-after': '1' } : {} };
}

function messageOf(error: AppError, details: readonly Violation[]): string {
  if (details.length === 0) return error.message;
  return `invalid request: ${details.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`)).join('; ')}`;
}
