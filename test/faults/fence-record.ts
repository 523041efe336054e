/** The shared place to which every holder of a key writes its fence: what a store outside would see of them. Pure. */

export interface FenceLine {
  key: string;
  fence: number;
  /** Nanoseconds of the one clock that all writers read. */
  at: bigint;
}

/** The fences that a holder has written, from the lines of its log. */
export function fenceLines(key: string, log: readonly string[]): FenceLine[] {
  return log
    .map((line) => /^fence (\d+) (\d+)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, fence, at]) => ({ key, fence: Number(fence), at: BigInt(at!) }));
}

/** Every line that was written after one of the same key with a higher fence, in words; none where all is well. */
export function outOfOrder(lines: readonly FenceLine[]): string[] {
  const highest = new Map<string, FenceLine>();
  const wrong: string[] = [];
  for (const line of lines.toSorted((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at)))) {
    const before = highest.get(line.key);
    if (before && before.fence > line.fence) {
      const afterMs = Number((line.at - before.at) / 1_000_000n);
      wrong.push(`${line.key}: ${line.fence} was written ${afterMs} ms after ${before.fence}`);
    } else highest.set(line.key, line);
  }
  return wrong;
}
