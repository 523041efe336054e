import { simulateMany } from './workers.ts';
import { missed } from './world/coverage.ts';

const SEEDS = 2_000;

describe('the simulation', () => {
  it('gives the same trace whenever a seed is run, in whichever process', async () => {
    const first = await simulateMany({ from: 1, count: 24 });
    const second = await simulateMany({ from: 2, count: 23 });
    for (const [seed, hash] of second.hashes) expect([seed, hash]).toEqual([seed, first.hashes.get(seed)]);
    expect(new Set(first.hashes.values()).size).toBe(24);
  }, 300_000);

  it(`keeps every invariant in ${SEEDS} worlds, and enough happens in them`, async () => {
    const began = performance.now();
    const { done, failures, counts, processorMs } = await simulateMany({ from: 1, count: SEEDS });
    const seconds = Math.round((performance.now() - began) / 1_000);
    console.info(
      `${done} worlds in ${seconds} s, ${(processorMs / done).toFixed(1)} ms of processor each`,
      counts,
    );
    expect(failures).toEqual([]);
    expect(done).toBe(SEEDS);
    expect(missed(counts, done)).toEqual([]);
  }, 900_000);
});
