import type { Clock } from '@spawner/domain';

const LOOK_EVERY_MS = 20;

/** Each check names a missing part. Resolves when none is missing, or at `until` of the clock; rejects when the signal aborts. */
export async function untilNoneMissing(
  checks: readonly (() => string | undefined)[],
  clock: Clock,
  signal: AbortSignal,
  until = Number.POSITIVE_INFINITY,
): Promise<void> {
  while (checks.some((check) => check() !== undefined) && clock.now() < until)
    await clock.sleep(LOOK_EVERY_MS, signal);
}
