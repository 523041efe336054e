/**
 * A fault of the harness, or of a script's text: a command or part of Lua that is not implemented, a script that does not
 * compile, an exception in this package. Redis never answers it. A run that meets one must end as broken.
 */
export class HarnessError extends Error {
  override readonly name = 'HarnessError';
}

/** An error that Redis answers; its message begins with a code such as ERR. */
export class ErrorReply extends Error {}

/** The answer of Redis for a script that raised an error instead of returning one: a fault of the script. */
export class ScriptError extends ErrorReply {
  override readonly name = 'ScriptError';
}

/** Whether a run that met this error proves nothing: the harness or a script is broken, whatever the product does. */
export function isHarnessFault(error: unknown): boolean {
  return error instanceof HarnessError || error instanceof ScriptError;
}
