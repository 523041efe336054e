import type { QueuePosition } from '@spawner/bus';

/** A place in the queue as a waiting page says it. */
export function queueWords({ position, expectedWaitMs }: QueuePosition): string {
  const left =
    expectedWaitMs === undefined
      ? ''
      : ` About ${Math.max(1, Math.ceil(expectedWaitMs / 1_000))} s are left.`;
  return `Number ${position} in the queue.${left}`;
}
