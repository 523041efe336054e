import { RuntimeError } from '../runtime.ts';

/** The engine's answer as its client's errors carry it: an HTTP status, and words behind a prefix. */
export function statusOf(error: unknown): number | undefined {
  return (error as { statusCode?: number }).statusCode;
}

/** What the engine said, without what the client put before it. */
export function wordsOf(error: unknown): string {
  const { message = '' } = error as { message?: string };
  return message.replace(/^\(HTTP code \d+\) [^-]*- /, '').trim();
}

/** An answer of the engine becomes its words; a failure to ask it stays what it is. */
export function refusal(error: unknown): unknown {
  return statusOf(error) === undefined ? error : new RuntimeError(wordsOf(error), { cause: error });
}

export async function refusing<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw refusal(error);
  }
}

/** Nothing where the engine knows of no such thing. */
export async function unlessMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}
