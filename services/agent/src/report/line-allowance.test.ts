import { LineAllowance } from './line-allowance.ts';

const counted = (allowance: LineAllowance, now: number, lines: number) =>
  Array.from({ length: lines }, () => allowance.take(now)).filter(({ passes }) => passes).length;

describe('the allowance of lines', () => {
  it('lets a thousand pass at once, and 200 a second after that', () => {
    const allowance = new LineAllowance(0);
    expect(counted(allowance, 0, 1_500)).toBe(1_000);
    expect(counted(allowance, 500, 1_500)).toBe(100);
    expect(counted(allowance, 60_000, 1_500)).toBe(1_000);
  });

  it('says once how many were left out, with the next that passes', () => {
    const allowance = new LineAllowance(0);
    counted(allowance, 0, 1_003);
    expect(allowance.take(0)).toEqual({ passes: false, leftOut: 0 });
    expect(allowance.take(10)).toEqual({ passes: true, leftOut: 4 });
    expect(allowance.take(20)).toEqual({ passes: true, leftOut: 0 });
  });
});
