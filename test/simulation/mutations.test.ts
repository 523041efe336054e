import { MUTATIONS } from './mutations/mutations.ts';
import { simulateMany } from './workers.ts';

/** Without a mutation no seed of these breaks an invariant (simulation.test.ts). */
const SEEDS = 600;

const caught = Object.entries(MUTATIONS).filter(([, { breaks }]) => breaks !== 'error');
const broken = Object.entries(MUTATIONS).filter(([, { breaks }]) => breaks === 'error');

describe('the simulation', () => {
  it.each(caught)(
    'notices that %s',
    async (mutation, { breaks }) => {
      const until = breaks === 'error' ? undefined : breaks;
      const { failures } = await simulateMany({ from: 1, count: SEEDS, mutation, until });
      expect(failures.map(({ invariant }) => invariant)).toContain(breaks);
    },
    300_000,
  );

  it.each(broken)(
    'ends as an error where %s',
    async (mutation) => {
      const run = simulateMany({ from: 1, count: 20, mutation });
      await expect(run).rejects.toThrow(/HarnessError: the script is no Lua/);
    },
    300_000,
  );
});
