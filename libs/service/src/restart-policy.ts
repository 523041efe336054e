import { backoffMs } from '@spawner/domain';

/** A process that ran this long was healthy, so its next failure counts as the first. */
const STEADY_MS = 10_000;

/** The number of failures in a row, including the one that ended a run of `ranMs` after `before` earlier ones. */
export function failuresInRow(before: number, ranMs: number): number {
  return ranMs >= STEADY_MS ? 1 : before + 1;
}

/** How long to wait before a process is started again after that many failures in a row, in milliseconds. */
export function restartDelayMs(
  failures: number,
  random: () => number,
  bounds?: { firstMs: number; maxMs: number },
): number {
  return backoffMs(failures - 1, random, bounds);
}
