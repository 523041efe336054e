/**
 * How long to wait before attempt `n` (0 is the first): doubling from `firstMs` up to `maxMs`, of
 * which a random half is taken off so that many waiters do not come back together.
 */
export function backoffMs(
  attempt: number,
  random: () => number,
  { firstMs = 100, maxMs = 5_000 }: { firstMs?: number; maxMs?: number } = {},
): number {
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 30));
  return full * (0.5 + random() / 2);
}
