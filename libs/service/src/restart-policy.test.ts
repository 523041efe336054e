import { failuresInRow, restartDelayMs } from './restart-policy.ts';

describe('the restart policy', () => {
  it('waits longer after each failure in a row, up to a bound', () => {
    const bounds = { firstMs: 250, maxMs: 10_000 };
    const delays = [1, 2, 3, 10].map((failures) => restartDelayMs(failures, () => 1, bounds));
    expect(delays).toEqual([250, 500, 1_000, 10_000]);
  });

  it('forgets earlier failures after a run of ten seconds', () => {
    expect(failuresInRow(4, 9_999)).toBe(5);
    expect(failuresInRow(4, 10_000)).toBe(1);
  });
});
