import { type Clock, DEADLINES, isAppError, newBackendId } from '@spawner/domain';
import type { SpawnBackendRequest } from '@spawner/proto/internal/scheduler_service';
import type { Backend } from '@spawner/proto/v1/backend';
import type { Caller } from './public-api.ts';
import type { Scheduler } from './scheduler.ts';
import { type CallResult, FIRST_ATTEMPT, nextAttempt, resultOf } from './spawn-attempts.ts';

/** Kept of the caller's own time, at most a fifth, so that the scheduler's last answer can still be passed on. */
const ANSWER_MS = 200;
/** How long a caller without a deadline waits for the holder of a key to shut down. */
const HOLDER_MS = 30_000;

export interface SpawnParts {
  scheduler: Pick<Scheduler, 'spawnBackend'>;
  clock: Clock;
  randomBytes: (count: number) => Uint8Array;
  /** In [0, 1). */
  random: () => number;
}

export type Wanted = Omit<SpawnBackendRequest, 'id' | 'repeated'>;

/**
 * Places a backend, or returns the holder of its key. `nextAttempt` decides whether a call is followed by another. The
 * caller's signal stops further calls. `spawned` is false if another backend holds the key. Throws the error of the last call.
 */
export async function placeBackend(
  parts: SpawnParts,
  wanted: Wanted,
  { signal, timeLeftMs = () => Number.POSITIVE_INFINITY }: Caller,
): Promise<{ backend: Backend; spawned: boolean }> {
  const { clock, random, randomBytes } = parts;
  const began = clock.now();
  const callersMs = timeLeftMs();
  const patience = Math.min(HOLDER_MS, callersMs - Math.min(ANSWER_MS, callersMs / 5));
  const left = () => patience - (clock.now() - began);
  let id = newBackendId(randomBytes);
  let attempt = FIRST_ATTEMPT;
  for (;;) {
    const result = await call(parts, { ...wanted, id, repeated: attempt.repeated }, signal, left());
    const timing = { elapsedMs: clock.now() - began, leftMs: left(), random };
    const next = nextAttempt(result, attempt, timing);
    if (next.kind === 'answer') return { backend: next.backend, spawned: next.spawned };
    if (next.kind === 'fail') throw next.error;
    if (next.afterMs > 0) await clock.sleep(next.afterMs, signal).catch(() => {});
    if (signal.aborted) throw next.error;
    if (next.id === 'new') id = newBackendId(randomBytes);
    attempt = next.attempt;
  }
}

async function call(
  { scheduler }: SpawnParts,
  request: SpawnBackendRequest,
  signal: AbortSignal,
  leftMs: number,
): Promise<CallResult> {
  // The scheduler lets a spawn with a key wait for the holder, and a repeated one for the drones' inventories. Such a call ends
  // with its caller, who alone would use its outcome.
  const options =
    request.key || request.repeated
      ? { timeoutMs: Math.max(1, Math.min(DEADLINES.spawnCall, leftMs)), signal }
      : { timeoutMs: DEADLINES.spawnCall };
  try {
    return resultOf(await scheduler.spawnBackend(request, options));
  } catch (error) {
    return { kind: isAppError(error, 'unavailable', 'deadline') ? 'unknown' : 'failed', error };
  }
}
