import type { Clock } from '@spawner/domain';
import { TIMEOUTS } from '../timeouts.ts';

/** How much of the cluster a proxy needs before it serves. */
export interface JoinStrategy {
  /** Whether the proxy is ready only when the whole cluster is there. */
  readonly needed: boolean;
  /** Milliseconds after which it serves without the parts that are missing. */
  readonly patienceMs: number;
}

/** For a proxy without routes, which has nothing to serve until it has read them. */
export const WAIT_FOR_ALL: JoinStrategy = { needed: true, patienceMs: Number.POSITIVE_INFINITY };

/** For a proxy that has restored a snapshot: it serves that, and follows each part of the cluster when it returns. */
export const SERVE_ALONE: JoinStrategy = { needed: false, patienceMs: TIMEOUTS.aloneAfter };

/** `restored`: whether the proxy has restored routes from a snapshot. */
export function joinStrategy(restored: boolean): JoinStrategy {
  return restored ? SERVE_ALONE : WAIT_FOR_ALL;
}

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
