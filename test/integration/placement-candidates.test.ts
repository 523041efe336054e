import { mapBounded } from '@spawner/domain';
import { placements } from './placement-fixture.ts';

/** As many as one placement considers (place.lua). */
const MOST_CONSIDERED = 1_024;

describe('a placement', () => {
  let store: Awaited<ReturnType<typeof placements>>;

  beforeEach(async () => {
    store = await placements();
  });
  afterEach(() => store[Symbol.asyncDispose]());

  const place = (cpuMillis: number) => store.place(cpuMillis);
  const drone = (id: string, cpuMillis: number) => store.register(id, { cpuMillis, backends: 10 });

  /** One drone with room and a load, behind `count` idle ones that are too small. */
  async function behind(count: number): Promise<void> {
    await drone('spacious', 1_000);
    await place(100);
    const names = Array.from({ length: count }, (_, index) => `small-${index}`);
    await mapBounded(names, 32, (name) => drone(name, 10));
  }

  it.each([31, 32, 40, 100])('finds the one drone with room behind %d that have none', async (count) => {
    await behind(count);
    expect(await place(100)).toMatchObject({ outcome: 'placed', node: { id: 'spacious' } });
  });

  it('considers the least loaded 1,024 drones, and says that it found no room among those', async () => {
    await behind(MOST_CONSIDERED - 1);
    expect(await place(100)).toMatchObject({ outcome: 'placed', node: { id: 'spacious' } });
    await drone('another', 10);
    expect(await place(100)).toMatchObject({
      outcome: 'none',
      known: MOST_CONSIDERED,
      stale: 0,
      full: MOST_CONSIDERED,
    });
  });
});
