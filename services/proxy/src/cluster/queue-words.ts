import type { QueuePosition } from '@spawner/bus';
import type { PullProgress } from '@spawner/proto/v1/backend';

/** A place in the queue as a waiting page says it. */
export function queueWords({ position, expectedWaitMs }: QueuePosition): string {
  const left =
    expectedWaitMs === undefined
      ? ''
      : ` About ${Math.max(1, Math.ceil(expectedWaitMs / 1_000))} s are left.`;
  return `Number ${position} in the queue.${left}`;
}

/** The pull of an image as a waiting page says it. Empty if nothing of it is known. */
export function pullWords(pull: PullProgress | undefined): string {
  if (!pull || pull.layers === 0) return '';
  const { layers, layersDone, bytes, bytesDone } = pull;
  const share = bytes === 0 ? '' : ` ${Math.floor((bytesDone / bytes) * 100)} % of the download has arrived.`;
  return `Fetching the program: ${layersDone} of ${layers} parts.${share}`;
}
