import { MUTATIONS } from './mutations/mutations.ts';
import { simulateMany } from './workers.ts';

/** The world without a mutation holds its invariants on these seeds: simulation.test.ts. */
const SEEDS = 600;

describe('the simulation notices when', () => {
  it.each(Object.keys(MUTATIONS))(
    '%s',
    async (mutation) => {
      const { failures } = await simulateMany({ from: 1, count: SEEDS, mutation, untilFailure: true });
      expect(failures.length).toBeGreaterThan(0);
      expect(failures[0]?.violation).toMatch(/\([1-5]\)/);
    },
    300_000,
  );
});
