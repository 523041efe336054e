import { countedMs, startShortage } from './shortage.ts';

describe('time on a machine that is short of processors', () => {
  const samples = [
    { at: 1_000, waited: 50 },
    { at: 2_000, waited: 50 },
    { at: 3_000, waited: 1_050 },
    { at: 4_000, waited: 1_050 },
  ];

  it('counts whole where nothing waited', () => {
    expect(countedMs(samples, 1_200, 1_900)).toBe(700);
    expect(countedMs(samples, 3_000, 4_000)).toBe(1_000);
  });

  it('counts a quarter where something did, and no less', () => {
    expect(countedMs(samples, 2_000, 3_000)).toBe(250);
    expect(countedMs(samples, 2_400, 2_800)).toBe(100);
    expect(countedMs(samples, 1_000, 4_000)).toBe(2_250);
    expect(countedMs([samples[0]!, { at: 2_000, waited: 9_000 }], 1_000, 2_000)).toBe(250);
  });

  it('counts whole outside what was looked at', () => {
    expect(countedMs(samples, 0, 900)).toBe(900);
    expect(countedMs(samples, 4_500, 5_000)).toBe(500);
    expect(countedMs([], 0, 10)).toBe(10);
  });

  it('is told of a time in which this process stood still', async () => {
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
