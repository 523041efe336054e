import fc from 'fast-check';
import { expectedWaits, StartDurations } from './start-estimate.ts';

describe('the durations of recent starts', () => {
  it('have no mean before the first, nor ten minutes after the last', () => {
    const durations = new StartDurations();
    expect(durations.mean(0)).toBeUndefined();
    durations.add(300, 1_000);
    durations.add(500, 2_000);
    expect(durations.mean(2_000)).toBe(400);
    expect(durations.mean(601_500)).toBe(500);
    expect(durations.mean(602_000)).toBeUndefined();
  });

  it('count the last sixteen only', () => {
    const durations = new StartDurations();
    durations.add(1_000_000, 0);
    for (let each = 0; each < 16; each++) durations.add(each < 8 ? 100 : 300, 1);
    expect(durations.mean(1)).toBe(200);
  });
});

describe('the expected waits', () => {
  it.each<[string, number, number[], number, number[]]>([
    ['of free places are one start each', 2, [], 2, [1_000, 1_000]],
    ['grow by one start a place', 2, [], 5, [1_000, 1_000, 2_000, 2_000, 3_000]],
    ['begin where the starts that have a place end', 2, [400, 900], 3, [1_100, 1_600, 2_100]],
    ['count a start that takes longer as nearly over', 1, [5_000], 2, [1_000, 2_000]],
    ['are none if none waits', 2, [100], 0, []],
  ])('%s', (_, count, elapsed, starts, waits) => {
    expect(expectedWaits({ count, elapsed, startMs: 1_000 }, starts)).toEqual(waits);
  });

  it('never shrink along the order, and are what places that are always busy give', () => {
    const running = fc.array(fc.nat(3_000), { maxLength: 8 });
    fc.assert(
      fc.property(fc.integer({ min: 8, max: 12 }), running, fc.nat(40), (count, elapsed, starts) => {
        const startMs = 1_000;
        const free = Array.from({ length: count }, (_, at) =>
          Math.max(0, startMs - (elapsed[at] ?? startMs)),
        );
        const expected = Array.from({ length: starts }, () => {
          free.sort((a, b) => a - b);
          const ready = (free.shift() ?? 0) + startMs;
          free.push(ready);
          return ready;
        });
        expect(expectedWaits({ count, elapsed, startMs }, starts)).toEqual(expected);
      }),
    );
  });
});
