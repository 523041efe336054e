import type { QueuePositions } from '@spawner/bus';
import { type Clock, isAppError } from '@spawner/domain';
import { type Backend, BackendState } from '@spawner/proto/v1/backend';
import type { GetBackendRequest } from '@spawner/proto/v1/backend_service';
import { mayWait, unseen } from './life.ts';

/** Records are read again this often though no hint came: hints may be lost. */
const REREAD_MS = 5_000;

export interface WatchSources {
  /** The record now. Throws `not_found` when there is none. */
  read(named: GetBackendRequest, signal: AbortSignal): Promise<Backend>;
  /** Calls `take` whenever the backend may have changed, until `close` of what it returns. */
  hints(id: string, take: () => void): { established(): Promise<void>; close(): void };
  queue: Pick<QueuePositions, 'of' | 'pullOf' | 'follow'>;
  clock: Clock;
}

/**
 * A backend's life from `afterRevision` on: listen, then read, then read again at every hint and every 5 seconds. While it
 * waits for its image or in its drone's queue, the record comes again whenever its pull or its position changes, without a
 * read. Ends after TERMINATED or when the signal aborts; keeps one record at most, whatever happens.
 * If the scheduler goes away later, the watch waits for it. An unknown backend throws `not_found`.
 */
export async function* watchBackend(
  id: string,
  afterRevision: number,
  { read, hints, queue, clock }: WatchSources,
  signal: AbortSignal,
): AsyncGenerator<Backend> {
  let hint = new AbortController();
  let isFresh = false;
  const listening = hints(id, () => {
    isFresh = false;
    hint.abort();
  });
  const moving = queue.follow(id, () => hint.abort());
  /** Resolves at the next hint, or at once if one came since the last call, after 5 seconds, or when the signal aborts. */
  const hinted = async () => {
    const late = () => {
      isFresh = false;
    };
    await clock.sleep(REREAD_MS, AbortSignal.any([signal, hint.signal])).then(late, () => {});
    hint = new AbortController();
  };
  try {
    await listening.established();
    let seen = afterRevision;
    let last: Backend | undefined;
    let told: string | undefined;
    for (; !signal.aborted; await hinted()) {
      if (!isFresh) {
        isFresh = true;
        const record = await read({ id }, signal).catch((error: unknown) => {
          if (signal.aborted || (last && isAppError(error, 'unavailable', 'deadline'))) return undefined;
          throw error;
        });
        if (!record) {
          isFresh = false;
          continue;
        }
        last = record;
        for (const step of unseen(record, seen)) {
          told = waitOf(id, queue);
          yield step;
          seen = step.revision;
        }
        if (record.state === BackendState.TERMINATED) return;
      }
      const now = waitOf(id, queue);
      if (!last || !mayWait(last) || now === undefined || now === told) continue;
      told = now;
      yield last;
    }
  } finally {
    listening.close();
    moving.close();
  }
}

/** All that a watcher sees change while a start waits, except for the time that is left. */
function waitOf(id: string, queue: WatchSources['queue']): string | undefined {
  const [position, pull] = [queue.of(id)?.position, queue.pullOf(id)];
  return position === undefined && !pull ? undefined : JSON.stringify([position, pull]);
}
