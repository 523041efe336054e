import { AppError, backoffMs, type Clock, DEADLINES, isAppError, newBackendId } from '@spawner/domain';
import type { SpawnBackendRequest } from '@spawner/proto/internal/scheduler_service';
import type { Backend } from '@spawner/proto/v1/backend';
import { asCallersSee, type Scheduler } from './scheduler.ts';

/** Longer than the scheduler gives a drone to take a backend over, so that its own answer arrives. */
const CALL_MS = DEADLINES.spawnCall;
/** Kept of the caller's own time, at most a fifth, so that the scheduler's last word can still be told. */
const ANSWER_MS = 200;
/** Between two calls that wait for a holder's end; what is left must be more than that. */
const PAUSE_MS = 100;
/** No new attempt begins after this long. */
const BUDGET_MS = 15_000;
/** The end of a key's holder is waited for this long, where the caller does not say less. */
const HOLDER_MS = 30_000;
const IDS = 3;

export interface SpawnParts {
  scheduler: Scheduler;
  clock: Clock;
  randomBytes: (count: number) => Uint8Array;
}

export type Wanted = Omit<SpawnBackendRequest, 'id' | 'repeated'>;

export interface Placed {
  backend: Backend;
  /** False where another backend was found to hold the key. */
  spawned: boolean;
}

/**
 * Has a backend placed, or gets the holder of its key. An attempt whose outcome is not known is made once
 * more under the same id, which is the same spawn; where a drone did not take the backend, or too few
 * replicas of the store did, whose end gave the key back, a new id is tried, three in all; where the key's holder is ending, the same id is tried until
 * it has. The signal, the caller's, stops further attempts; `timeLeftMs` is what is left of its deadline.
 */
export async function placeBackend(
  parts: SpawnParts,
  wanted: Wanted,
  signal: AbortSignal,
  timeLeftMs: number,
): Promise<Placed> {
  const began = parts.clock.now();
  const patience = Math.min(HOLDER_MS, timeLeftMs - Math.min(ANSWER_MS, timeLeftMs / 5));
  const left = () => patience - (parts.clock.now() - began);
  for (let tried = 1; ; tried++) {
    try {
      const request = { ...wanted, id: newBackendId(parts.randomBytes), repeated: false };
      return await outlastHolder(parts.clock, () => placeOnce(parts, request, signal, left), signal, left);
    } catch (error) {
      const again = isUndone(error) && tried < IDS && parts.clock.now() - began < BUDGET_MS;
      if (!again || signal.aborted) throw asCallersSee(error);
    }
  }
}

/** The scheduler waits for the holder's end as long as one call may take; here call follows upon call. */
async function outlastHolder(
  clock: Clock,
  attempt: () => Promise<Placed>,
  signal: AbortSignal,
  left: () => number,
): Promise<Placed> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isHolderEnding(error) || left() <= 2 * PAUSE_MS) throw error;
      await clock.sleep(PAUSE_MS, signal).catch(() => {
        throw error;
      });
    }
  }
}

async function placeOnce(
  parts: SpawnParts,
  request: SpawnBackendRequest,
  signal: AbortSignal,
  left: () => number,
): Promise<Placed> {
  const call = async () => {
    // Only a call that may have to wait for a holder ends with its caller: nobody would have what came of it.
    const options = request.key
      ? { timeoutMs: Math.max(1, Math.min(CALL_MS, left())), signal }
      : { timeoutMs: CALL_MS };
    const { backend, spawned } = await parts.scheduler.spawnBackend(request, options);
    if (!backend) throw new AppError('internal', 'the scheduler answered without a backend');
    return { backend, spawned };
  };
  try {
    return await call();
  } catch (error) {
    const told = isUndone(error) || isHolderEnding(error);
    const unknown = isAppError(error, 'unavailable', 'deadline') && !told;
    if (!unknown || signal.aborted || left() <= 0) throw error;
    await parts.clock.sleep(backoffMs(0, Math.random), signal);
    request.repeated = true;
    return call();
  }
}

/** The scheduler begins such an answer with the drone, or with the replicas of its store; the reservation is undone, so the id is spent. */
function isUndone(error: unknown): boolean {
  return isAppError(error, 'unavailable') && /^(?:drone|too few replicas)\b/i.test(error.message);
}

/** The scheduler begins such an answer with the holder; nothing was placed. */
function isHolderEnding(error: unknown): boolean {
  return isAppError(error, 'unavailable') && error.message.startsWith('the holder of the key');
}
