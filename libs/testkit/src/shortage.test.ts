import { countedMs, startShortage } from './shortage.ts';

describe('time in which programs were short of processors', () => {
  const samples = [
    { at: 1_000, waited: 50 },
    { at: 2_000, waited: 50 },
    { at: 3_000, waited: 650 },
    { at: 4_000, waited: 650 },
    { at: 5_000, waited: 5_650 },
  ];

  it('counts whole where none of them waited', () => {
    expect(countedMs(samples, 1_200, 1_900)).toBe(700);
    expect(countedMs(samples, 3_000, 4_000)).toBe(1_000);
  });

  it('counts less by what they waited', () => {
    expect(countedMs(samples, 2_000, 3_000)).toBe(400);
    expect(countedMs(samples, 2_500, 2_750)).toBe(100);
    expect(countedMs(samples, 1_000, 4_000)).toBe(2_400);
  });

  it('counts a quarter however many of them waited at once', () => {
    expect(countedMs(samples, 4_000, 5_000)).toBe(250);
  });

  it('counts whole outside what was looked at, and backwards', () => {
    expect(countedMs(samples, 0, 900)).toBe(900);
    expect(countedMs(samples, 5_500, 6_000)).toBe(500);
    expect(countedMs(samples, 3_000, 2_000)).toBe(-1_000);
    expect(countedMs([], 0, 10)).toBe(10);
  });

  it('is told of a time in which this process did not look', async () => {
    using shortage = startShortage();
    const from = Date.now();
    const until = performance.now() + 400;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const [elapsed, counted] = [Date.now() - from, shortage.counted(from)];
    expect(counted).toBeGreaterThan(0);
    expect(counted).toBeLessThan(elapsed - 200);
  });
});
