/**
 * The wait after a number of failed attempts, 0 for the first: it doubles from `firstMs` up to `maxMs`. Up to half of it is
 * removed at random, so that many waiters do not return together.
 */
export function backoffMs(
  attempt: number,
  random: () => number,
  { firstMs = 100, maxMs = 5_000 } = {},
): number {
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 30));
  return full * (0.5 + random() / 2);
}
