import { formatDuration } from '@spawner/domain';
import {
  NotPlacedReason,
  type SpawnBackendResponse,
  type SpawnNotPlaced,
} from '@spawner/proto/internal/scheduler_service';
import type { Backend } from '@spawner/proto/v1/backend';
import { NEW_EPOCH } from '../store/absence.ts';
import { type Demand, type Search, whyNoRoom } from './room.ts';

/** How a spawn ended; the gateway decides by it whether to call again. */
export type SpawnOutcome = NonNullable<SpawnBackendResponse['outcome']>;

/** The same id is tried again after a short pause, because such a call waits for the key itself. */
const AGAIN = { sameId: true, retryAfterMs: 100 };
/** The id has been used: only a new one can be tried. */
const SPENT = { sameId: false, retryAfterMs: 0 };

export const placed = (backend: Backend): SpawnOutcome => ({ $case: 'placed', value: { backend } });

export const held = (holder: Backend): SpawnOutcome => ({ $case: 'held', value: { holder } });

export function noRoom(search: Search, demand: Demand): SpawnOutcome {
  const detail = whyNoRoom(search, demand);
  return notPlaced(NotPlacedReason.NO_ROOM, detail, { sameId: true, retryAfterMs: 0 });
}

export function holderEnding(): SpawnOutcome {
  return notPlaced(NotPlacedReason.HOLDER_ENDING, 'the holder of the key is still ending', AGAIN);
}

/** `leftMs`: the most time for which a drone may still report a holder. */
export function holderUnknown(leftMs: number): SpawnOutcome {
  const detail = `the holder of the key may not be known yet: ${NEW_EPOCH}; at most ${formatDuration(leftMs)} more`;
  return notPlaced(NotPlacedReason.HOLDER_UNKNOWN, detail, AGAIN);
}

export function startRefused(drone: string): SpawnOutcome {
  return notPlaced(NotPlacedReason.START_REFUSED, `drone ${drone} did not take the backend`, SPENT);
}

/** Another drone may have room, so a new id is tried. */
export function queueFull(drone: string): SpawnOutcome {
  return notPlaced(NotPlacedReason.NO_ROOM, `the start queue of drone ${drone} is full`, SPENT);
}

export function notReplicated(id: string): SpawnOutcome {
  const detail = `too few replicas of the store have the key; it was not given to ${id}`;
  return notPlaced(NotPlacedReason.NOT_REPLICATED, detail, SPENT);
}

type Retry = Pick<SpawnNotPlaced, 'sameId' | 'retryAfterMs'>;

function notPlaced(reason: NotPlacedReason, detail: string, retry: Retry): SpawnOutcome {
  return { $case: 'notPlaced', value: { reason, detail, ...retry } };
}
