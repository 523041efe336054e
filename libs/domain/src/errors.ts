/**
 * The error vocabulary of all services. Throw an AppError only if a caller handles its kind. Everything else stays a plain
 * Error: it leaves the process as `internal` with its text withheld, and is logged once where it leaves.
 */
export interface Violation {
  /** Path of the field in the request, for instance `spec.env.A=B`. */
  field: string;
  /** The fault, as a sentence for the caller. */
  message: string;
}

/** gRPC status (google.rpc.Code) and HTTP status of each kind. */
export const ERROR_CODES = {
  invalid: { name: 'INVALID_ARGUMENT', grpc: 3, http: 400 },
  not_found: { name: 'NOT_FOUND', grpc: 5, http: 404 },
  already_exists: { name: 'ALREADY_EXISTS', grpc: 6, http: 409 },
  denied: { name: 'PERMISSION_DENIED', grpc: 7, http: 403 },
  exhausted: { name: 'RESOURCE_EXHAUSTED', grpc: 8, http: 429 },
  failed_precondition: { name: 'FAILED_PRECONDITION', grpc: 9, http: 409 },
  unimplemented: { name: 'UNIMPLEMENTED', grpc: 12, http: 501 },
  internal: { name: 'INTERNAL', grpc: 13, http: 500 },
  unavailable: { name: 'UNAVAILABLE', grpc: 14, http: 503 },
  unauthenticated: { name: 'UNAUTHENTICATED', grpc: 16, http: 401 },
  deadline: { name: 'DEADLINE_EXCEEDED', grpc: 4, http: 504 },
  cancelled: { name: 'CANCELLED', grpc: 1, http: 499 },
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly violations: readonly Violation[];

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; violations?: readonly Violation[] } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.violations = options.violations ?? [];
  }
}

/** The kind of a gRPC status number; `internal` for an unknown one. */
export function errorCodeOfGrpc(status: number): ErrorCode {
  const found = Object.entries(ERROR_CODES).find(([, code]) => code.grpc === status);
  return (found?.[0] as ErrorCode | undefined) ?? 'internal';
}

/** Whether a caught value is an AppError of one of these kinds, or of any kind if none are given. */
export function isAppError(error: unknown, ...codes: ErrorCode[]): error is AppError {
  return error instanceof AppError && (codes.length === 0 || codes.includes(error.code));
}

/** Throws `invalid`, which names every wrong field at once, if there are violations. */
export function refuseViolations(violations: readonly Violation[]): void {
  if (violations.length === 0) return;
  const fields = violations.map(({ field, message }) => `${field}: ${message}`).join('; ');
  throw new AppError('invalid', `invalid request: ${fields}`, { violations });
}
