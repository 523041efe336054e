import { Cluster } from '../cluster.ts';
import { World } from '../world/world.ts';
import { notRecovered } from './recovery.ts';

const UNKNOWN = {
  backendId: 'a'.repeat(26),
  upgrade: false,
  navigation: false,
  lastsMs: 10,
  credential: undefined,
};
const STEP_MS = 1_000;
const SOON_MS = 100;

/** The outcomes of a request for an unknown backend to every proxy, which asks the store; undefined if one is late. */
async function asked({ world, proxies }: Cluster): Promise<(string | undefined)[]> {
  const kinds = proxies.map((): string | undefined => undefined);
  proxies.forEach(async (proxy, at) => {
    const outcome = await proxy.request({ ...UNKNOWN, signal: new AbortController().signal });
    kinds[at] = outcome?.kind;
  });
  await world.run(world.now + SOON_MS);
  return kinds;
}

describe('the recovery of a cluster', () => {
  it.each([1, 2, 3, 4, 5])(
    'lasts until no command from before healing holds back those after it (seed %i)',
    async (seed) => {
      const cluster = new Cluster(new World(seed), (script) => script);
      const { world, store, faults } = cluster;
      for (; notRecovered(cluster, 0); ) await world.run(world.now + STEP_MS);
      store.network.weather = { lost: 0, slow: 1, doubled: 0 };
      const before = await asked(cluster);
      faults.heal();
      const healedAt = world.now;
      expect(before).toContain(undefined);
      for (; notRecovered(cluster, healedAt); ) await world.run(world.now + STEP_MS);
      expect(await asked(cluster)).toEqual(['unknown', 'unknown', 'unknown']);
    },
  );
});
