import { whyNoRoom } from './room.ts';

const search = { known: 2, stale: 0, full: 2, enough: 0, mostCpuMillis: 2_000, mostMemoryBytes: 4_000 };

describe('a spawn without room', () => {
  it.each([
    [{ cpuMillis: 2_001, memoryBytes: 4_000 }, 'cpu_millis 2001 is more than any has (2000)'],
    [{ cpuMillis: 2_000, memoryBytes: 4_001 }, 'memory_bytes 4001 is more than any has (4000)'],
    [
      { cpuMillis: 9_000, memoryBytes: 9_000 },
      'cpu_millis 9000 is more than any has (2000), and memory_bytes 9000 is more than any has (4000)',
    ],
    [
      { cpuMillis: 2_000, memoryBytes: 4_000 },
      'none has both cpu_millis 2000 and memory_bytes 4000; the most are 2000 and 4000',
    ],
  ])('that is too large for every drone says so: %j', (demand, why) => {
    expect(whyNoRoom(search, demand)).toBe(`no drone is large enough: ${why}`);
    const away = { ...search, known: 3, stale: 1 };
    expect(whyNoRoom(away, demand)).toBe(`no drone is large enough: ${why}; 1 of 3 drones have not renewed`);
  });

  it.each([
    [{ ...search, enough: 1 }, 'no drone has room: of 2, 2 are full and 0 have not renewed'],
    [{ ...search, full: 0, stale: 2 }, 'no drone has room: of 2, 0 are full and 2 have not renewed'],
    [{ ...search, known: 0, full: 0 }, 'no drone is registered'],
  ])('that a drone could have had says why it has none: %j', (found, why) => {
    expect(whyNoRoom(found, { cpuMillis: 1, memoryBytes: 1 })).toBe(why);
  });
});
