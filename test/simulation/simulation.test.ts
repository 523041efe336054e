import { simulateMany } from './workers.ts';

const SEEDS = 2_000;

describe('the simulation', () => {
  it('gives the same trace whenever a seed is run, in whichever process', async () => {
    const first = await simulateMany({ from: 1, count: 24 });
    const second = await simulateMany({ from: 2, count: 23 });
    for (const [seed, hash] of second.hashes) expect([seed, hash]).toEqual([seed, first.hashes.get(seed)]);
    expect(new Set(first.hashes.values()).size).toBe(24);
  }, 300_000);

  it(`keeps every invariant in ${SEEDS} worlds`, async () => {
    const { done, failures } = await simulateMany({ from: 1, count: SEEDS });
    expect(failures).toEqual([]);
    expect(done).toBe(SEEDS);
  }, 900_000);
});
