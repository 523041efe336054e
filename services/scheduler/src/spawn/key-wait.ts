import type { Clock } from '@spawner/domain';
import type { Placement } from '../store/backend-store.ts';
import type { BackendRecord } from '../store/record.ts';

/** The result of an attempt to place. The end of a `held` holder has not begun. */
export type Found =
  | Exclude<Placement, { outcome: 'held' | 'ending' }>
  | { outcome: 'held'; holder: BackendRecord }
  | { outcome: 'ending' };

/** The pause while the key's holder is ending: a fifth of the time waited so far, because many may wait for a slow end. */
const ENDING = { share: 1 / 5, leastMs: 100, mostMs: 500 };
/** Pause while a new store epoch is open: that may last, and many may wait for it. */
const WINDOW_MS = 500;

/**
 * Repeats an attempt to place while the key's holder is ending, or may be unknown. Returns what the last attempt found
 * when the signal aborts.
 */
export async function waitForKey(
  attempt: () => Promise<Found>,
  clock: Clock,
  signal: AbortSignal,
): Promise<Found> {
  const began = clock.now();
  const endingMs = () =>
    Math.min(ENDING.mostMs, Math.max(ENDING.leastMs, (clock.now() - began) * ENDING.share));
  for (;;) {
    const found = await attempt();
    if (found.outcome !== 'ending' && found.outcome !== 'window') return found;
    await clock.sleep(found.outcome === 'ending' ? endingMs() : WINDOW_MS, signal).catch(() => {});
    if (signal.aborted) return found;
  }
}
