import type { Clock } from '@spawner/domain';

const LOOK_EVERY_MS = 20;

/**
 * Resolves when nothing is waited for any more, or at this clock time; rejects when the signal aborts. A proxy serves only after
 * it has registered and then read the routes: an agent that ends a backend asks every registered proxy.
 */
export async function nothingToWaitFor(
  checks: readonly (() => string | undefined)[],
  clock: Clock,
  signal: AbortSignal,
  until = Number.POSITIVE_INFINITY,
): Promise<void> {
  while (checks.some((check) => check() !== undefined) && clock.now() < until)
    await clock.sleep(LOOK_EVERY_MS, signal);
}
