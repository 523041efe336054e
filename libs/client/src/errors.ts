import type { Backend } from './types.ts';

/** The gateway refused a call, or could not be reached (`code` UNAVAILABLE, `status` 0). */
export class SpawnerError extends Error {
  override readonly name: string = 'SpawnerError';
  /** Name of a gRPC status, for instance INVALID_ARGUMENT or NOT_FOUND. */
  readonly code: string;
  /** HTTP status; 0 without an answer. */
  readonly status: number;
  /** One entry for each wrong field. */
  readonly details: readonly { field: string; message: string }[];

  constructor(
    code: string,
    message: string,
    status: number,
    { details = [], cause }: { details?: SpawnerError['details']; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.code = code;
    this.status = status;
    this.details = details;
  }
}

/** A backend ended before it was ready; `backend` has the reason. */
export class BackendEndedError extends SpawnerError {
  override readonly name = 'BackendEndedError';
  readonly backend: Backend;

  constructor(backend: Backend) {
    const detail = backend.endDetail ? `: ${backend.endDetail}` : '';
    super(
      'FAILED_PRECONDITION',
      `the backend ended (${backend.endReason ?? backend.state}) and cannot get ready${detail}`,
      0,
    );
    this.backend = backend;
  }
}

/** The error of a response, even if an intermediary wrote it instead of the gateway. */
export async function errorOf(response: Response): Promise<SpawnerError> {
  const body: Readonly<Record<string, unknown>> = Object(await response.json().catch(() => undefined));
  const code = typeof body.code === 'string' ? body.code : response.status >= 500 ? 'UNAVAILABLE' : 'UNKNOWN';
  const message = typeof body.message === 'string' ? body.message : `HTTP status ${response.status}`;
  const details = Array.isArray(body.details) ? (body.details as SpawnerError['details']) : [];
  return new SpawnerError(code, message, response.status, { details });
}
