/** A length of time as people say it: `400 ms`, `1.5 s`, `41 s`, `10 min`, `26 h`. */
export function formatDuration(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  if (whole < 1_000) return `${whole} ms`;
  if (whole < 10_000) return `${Math.round(whole / 100) / 10} s`;
  if (whole <= 120_000) return `${Math.round(whole / 1_000)} s`;
  if (whole <= 2 * 3_600_000) return `${Math.round(whole / 60_000)} min`;
  return `${Math.round(whole / 3_600_000)} h`;
}
