/**
 * Tests wait for conditions, never for time. The check is run again and again, whatever happened in between, so a
 * missed event cannot hide a state that holds.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { inTime } from '@spawner/domain';
import { PATIENCE } from './patience.ts';

export interface EventuallyOptions {
  timeoutMs?: number;
  everyMs?: number;
}

/**
 * Resolves with the check's value as soon as it neither throws nor returns `false`; otherwise rejects after
 * `timeoutMs` (PATIENCE.conditionMs), with the last failure as the cause. A check that hangs is cut off at the same moment.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { timeoutMs = PATIENCE.conditionMs, everyMs = 20 }: EventuallyOptions = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let cause: unknown = new Error('the check never came to an end');
  for (let first = true; first || performance.now() < deadline; first = false) {
    const limitMs = Math.max(deadline - performance.now(), everyMs);
    const attempt: Attempt<T> = await inTime(settle(check), limitMs, () => ({ ok: false }));
    if (attempt.ok) return attempt.value;
    cause = attempt.cause ?? cause;
    await wait(everyMs);
  }
  const reason = String((cause as Partial<Error> | undefined)?.message ?? cause);
  throw new Error(`did not come true within ${timeoutMs} ms: ${reason}`, { cause });
}

type Attempt<T> = { ok: true; value: T } | { ok: false; cause?: unknown };

async function settle<T>(check: () => T | Promise<T>): Promise<Attempt<T>> {
  try {
    const value = await check();
    return value === false
      ? { ok: false, cause: new Error('the check returned false') }
      : { ok: true, value };
  } catch (cause) {
    return { ok: false, cause };
  }
}
