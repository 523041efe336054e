import { type Clock, isAppError } from '@spawner/domain';
import { type Backend, BackendState } from '@spawner/proto/v1/backend';
import type { GetBackendRequest } from '@spawner/proto/v1/backend_service';
import { unseen } from './life.ts';

/** Records are read again this often though no hint came: hints may be lost. */
const REREAD_MS = 5_000;

export interface WatchSources {
  /** The record now. Throws `not_found` when there is none. */
  read(named: GetBackendRequest, signal: AbortSignal): Promise<Backend>;
  /** Calls `take` whenever the backend may have changed, until `close` of what it returns. */
  hints(id: string, take: () => void): { established(): Promise<void>; close(): void };
  clock: Clock;
}

/**
 * A backend's life from `afterRevision` on: listen, then read, then read again at every hint and every
 * 5 seconds. Ends after TERMINATED or when the signal aborts; keeps one record at most, whatever happens.
 * If the scheduler goes away later, the watch waits for it. An unknown backend throws `not_found`.
 */
export async function* watchBackend(
  id: string,
  afterRevision: number,
  { read, hints, clock }: WatchSources,
  signal: AbortSignal,
): AsyncGenerator<Backend> {
  let hint = new AbortController();
  const listening = hints(id, () => hint.abort());
  /** Resolves at the next hint, or at once if one came since the last call, after 5 seconds, or when the signal aborts. */
  const hinted = async () => {
    await clock.sleep(REREAD_MS, AbortSignal.any([signal, hint.signal])).catch(() => {});
    hint = new AbortController();
  };
  try {
    await listening.established();
    let seen = afterRevision;
    for (let found = false; !signal.aborted; await hinted()) {
      const record = await read({ id }, signal).catch((error: unknown) => {
        if (signal.aborted || (found && isAppError(error, 'unavailable', 'deadline'))) return undefined;
        throw error;
      });
      if (!record) continue;
      found = true;
      for (const step of unseen(record, seen)) {
        yield step;
        seen = step.revision;
      }
      if (record.state === BackendState.TERMINATED) return;
    }
  } finally {
    listening.close();
  }
}
