import { RuntimeError } from '../runtime.ts';

/** The HTTP status of the engine's answer in an error of its client. */
export function statusOf(error: unknown): number | undefined {
  return (error as { statusCode?: number }).statusCode;
}

/** The engine's message, without the client's prefix. */
export function messageOf(error: unknown): string {
  const { message = '' } = error as { message?: string };
  return message.replace(/^\(HTTP code \d+\) [^-]*- /, '').trim();
}

const NO_ANSWER = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ENOENT', 'ETIMEDOUT']);

/** Whether the engine is away or has not answered. It may have carried out the request all the same. */
export function isUnanswered(error: unknown): boolean {
  return NO_ANSWER.has((error as { code?: string }).code ?? '');
}

/** Turns an error answer of the engine into a RuntimeError. Other errors are returned unchanged. */
export function asRuntimeError(error: unknown): unknown {
  return statusOf(error) === undefined ? error : new RuntimeError(messageOf(error), { cause: error });
}

/** Rejects with a RuntimeError if the engine answers with an error. */
export function engineCall<T>(call: Promise<T>): Promise<T> {
  return call.catch((error: unknown) => {
    throw asRuntimeError(error);
  });
}

/** Returns undefined if the engine answers 404. */
export function unlessMissing<T>(call: Promise<T>): Promise<T | undefined> {
  return call.catch((error: unknown) => {
    if (statusOf(error) === 404) return undefined;
    throw error;
  });
}
