import { AppError, backoffMs } from '@spawner/domain';
import {
  NotPlacedReason,
  type SpawnBackendResponse,
  type SpawnNotPlaced,
} from '@spawner/proto/internal/scheduler_service';
import type { Backend } from '@spawner/proto/v1/backend';

type NotPlaced = { kind: 'not-placed' } & SpawnNotPlaced;

/** An outcome that the scheduler answered with. */
export type Answered = { kind: 'placed' | 'held'; backend: Backend } | NotPlaced;

/** How one call of the scheduler's SpawnBackend ended. */
export type CallResult =
  | Answered
  /** The call was lost on its way: the backend may have been placed. */
  | { kind: 'unknown'; error: unknown }
  /** The scheduler refused the call. */
  | { kind: 'failed'; error: unknown };

/** The attempt that a call belongs to. */
export interface Attempt {
  /** Ids used so far, this one included. */
  readonly ids: number;
  /** An earlier call with this id may have been carried out. */
  readonly repeated: boolean;
  /** The call before this one was lost. */
  readonly afterLoss: boolean;
}

export interface Timing {
  /** Since the first call. */
  readonly elapsedMs: number;
  /** The rest of the caller's time. */
  readonly leftMs: number;
  /** In [0, 1). */
  readonly random: () => number;
}

export type Next =
  | { kind: 'answer'; backend: Backend; spawned: boolean }
  | { kind: 'fail'; error: unknown }
  /** `error` is for a caller that leaves before the call. */
  | { kind: 'call'; id: 'same' | 'new'; attempt: Attempt; afterMs: number; error: unknown };

export const FIRST_ATTEMPT: Attempt = { ids: 1, repeated: false, afterLoss: false };

/** No id after the first is begun later than this. */
const BUDGET_MS = 15_000;
const MOST_IDS = 3;

/**
 * Decides after each call whether there is another one. Pure.
 *
 * - A lost call is repeated once with the same id, which is the same spawn.
 * - A placement that was abandoned has spent its id: a new id is tried, at most three in all.
 * - While the key's holder is shutting down, or may be unknown, the same id is tried until the caller's time is up.
 */
export function nextAttempt(result: CallResult, attempt: Attempt, timing: Timing): Next {
  switch (result.kind) {
    case 'placed':
    case 'held':
      return { kind: 'answer', backend: result.backend, spawned: result.kind === 'placed' };
    case 'failed':
      return { kind: 'fail', error: result.error };
    case 'unknown':
      return afterLoss(result.error, attempt, timing);
    case 'not-placed':
      return result.sameId ? afterWait(result, attempt, timing) : afterAbandoned(result, attempt, timing);
  }
}

function afterLoss(error: unknown, attempt: Attempt, { leftMs, random }: Timing): Next {
  if (attempt.afterLoss || leftMs <= 0) return { kind: 'fail', error };
  const repeated = { ...attempt, repeated: true, afterLoss: true };
  return { kind: 'call', id: 'same', attempt: repeated, afterMs: backoffMs(0, random), error };
}

function afterAbandoned(result: NotPlaced, { ids }: Attempt, { elapsedMs }: Timing): Next {
  const error = notPlacedError(result);
  if (ids >= MOST_IDS || elapsedMs >= BUDGET_MS) return { kind: 'fail', error };
  return { kind: 'call', id: 'new', attempt: { ...FIRST_ATTEMPT, ids: ids + 1 }, afterMs: 0, error };
}

function afterWait(result: NotPlaced, attempt: Attempt, { leftMs }: Timing): Next {
  const error = notPlacedError(result);
  const afterMs = result.retryAfterMs;
  // The next call needs time of its own, beside the pause.
  if (afterMs === 0 || leftMs <= 2 * afterMs) return { kind: 'fail', error };
  return { kind: 'call', id: 'same', attempt: { ...attempt, afterLoss: false }, afterMs, error };
}

/** The error of a spawn that is not tried again. */
export function notPlacedError({ reason, detail }: NotPlaced): AppError {
  return new AppError(reason === NotPlacedReason.NO_ROOM ? 'exhausted' : 'unavailable', detail);
}

/** Throws for a response that says nothing. */
export function resultOf({ outcome }: SpawnBackendResponse): Answered {
  switch (outcome?.$case) {
    case 'placed':
      return { kind: 'placed', backend: present(outcome.value.backend) };
    case 'held':
      return { kind: 'held', backend: present(outcome.value.holder) };
    case 'notPlaced':
      return { kind: 'not-placed', ...outcome.value };
    default:
      throw new AppError('internal', 'the scheduler answered a spawn without an outcome');
  }
}

function present(backend: Backend | undefined): Backend {
  if (!backend) throw new AppError('internal', 'the scheduler answered a spawn without a backend');
  return backend;
}
