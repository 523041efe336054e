import type { Clock } from '@spawner/domain';
import type { Log } from '@spawner/service';
import type { Backend } from '../lifecycle/backend.ts';
import { isRunning } from '../lifecycle/life.ts';

/** Pause before a broken stream is followed again. All streams break when the engine restarts. */
const AGAIN_MS = 1_000;

/**
 * Follows a stream of a backend, and again after each time that it breaks, until the program ends or the signal aborts. The items
 * of an interruption are lost. `again` is false at first. Never rejects.
 */
export async function untilEnded(
  backend: Backend,
  what: string,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
  follow: (again: boolean) => Promise<void>,
): Promise<void> {
  for (let again = false; !signal.aborted; again = true) {
    try {
      return await follow(again);
    } catch (error) {
      if (signal.aborted || !isRunning(backend.life)) return;
      log.warn({ error, backend: backend.id }, `the stream of its ${what} broke`);
      await clock.sleep(AGAIN_MS, signal).catch(() => {});
    }
  }
}
