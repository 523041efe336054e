import { simulate } from './simulate.ts';
import { simulateMany } from './workers.ts';

const SEEDS = 2_000;

describe('the simulation', () => {
  it('gives the same trace whenever a seed is run', async () => {
    for (const seed of [11, 24, 64]) {
      const first = await simulate(seed, { telling: true });
      const second = await simulate(seed);
      expect(second.hash).toBe(first.hash);
      expect(second.events).toBe(first.events);
    }
    expect((await simulate(1)).hash).not.toBe((await simulate(2)).hash);
  });

  it(`keeps every invariant in ${SEEDS} worlds`, async () => {
    const { done, failures } = await simulateMany({ from: 1, count: SEEDS });
    expect(failures).toEqual([]);
    expect(done).toBe(SEEDS);
  }, 900_000);
});
