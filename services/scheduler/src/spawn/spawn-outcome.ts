import { NotPlacedReason, type SpawnNotPlaced } from '@spawner/proto/internal/scheduler_service';
import type { Backend } from '@spawner/proto/v1/backend';
import { formatDuration } from '../explain/format-duration.ts';
import { NEW_EPOCH } from '../store/absence.ts';

/** How a spawn ended; the gateway decides by it whether to call again. */
export type SpawnOutcome =
  | { $case: 'placed'; value: { backend: Backend } }
  | { $case: 'held'; value: { holder: Backend } }
  | { $case: 'notPlaced'; value: SpawnNotPlaced };

/** The pause before the same id is tried again. Such a call waits for the key itself. */
const PAUSE_MS = 100;

export const placed = (backend: Backend): SpawnOutcome => ({ $case: 'placed', value: { backend } });

export const held = (holder: Backend): SpawnOutcome => ({ $case: 'held', value: { holder } });

export function noRoom({ known, stale, full }: { known: number; stale: number; full: number }): SpawnOutcome {
  const detail =
    known === 0
      ? 'no drone is registered'
      : `no drone has room: of ${known}, ${full} are full and ${stale} have not renewed`;
  return notPlaced({ reason: NotPlacedReason.NO_ROOM, sameId: true, retryAfterMs: 0, detail });
}

export function holderEnding(): SpawnOutcome {
  const detail = 'the holder of the key is still ending';
  return notPlaced({ reason: NotPlacedReason.HOLDER_ENDING, sameId: true, retryAfterMs: PAUSE_MS, detail });
}

/** `leftMs`: the most time for which a drone may still report a holder. */
export function holderUnknown(leftMs: number): SpawnOutcome {
  const detail = `the holder of the key may not be known yet: ${NEW_EPOCH}; at most ${formatDuration(leftMs)} more`;
  return notPlaced({ reason: NotPlacedReason.HOLDER_UNKNOWN, sameId: true, retryAfterMs: PAUSE_MS, detail });
}

export function startRefused(drone: string): SpawnOutcome {
  return spent(NotPlacedReason.START_REFUSED, `drone ${drone} did not take the backend`);
}

export function notReplicated(id: string): SpawnOutcome {
  const detail = `too few replicas of the store have the key; it was not given to ${id}`;
  return spent(NotPlacedReason.NOT_REPLICATED, detail);
}

function spent(reason: NotPlacedReason, detail: string): SpawnOutcome {
  return notPlaced({ reason, sameId: false, retryAfterMs: 0, detail });
}

function notPlaced(value: SpawnNotPlaced): SpawnOutcome {
  return { $case: 'notPlaced', value };
}
