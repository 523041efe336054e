import { failIfUnjudged, leaveUnjudged, startTimeJudge, TOO_BUSY, verdictOn } from './time-bound.ts';

const verdict = (elapsedMs: number, waitedMs: number, boundMs = 1_000) =>
  verdictOn({ elapsedMs, waitedMs, boundMs });

describe('a time bound', () => {
  it('is met below the bound, whatever was waited', () => {
    expect([verdict(999, 0), verdict(999, 900), verdict(-5, 0)]).toEqual(['met', 'met', 'met']);
  });

  it('holds by the wall clock if programs waited less than a tenth of the time', () => {
    expect([verdict(1_000, 0), verdict(1_050, 104)]).toEqual(['missed', 'missed']);
    expect(verdict(1_050, 105)).toBe('met');
  });

  it('allows for what a program waited, up to a quarter of the bound', () => {
    expect([verdict(1_200, 201), verdict(1_249, 1_000)]).toEqual(['met', 'met']);
  });

  it('is not judged where the wait was notable and the allowance is not enough', () => {
    expect([verdict(1_200, 200), verdict(1_250, 1_000), verdict(4_000, 3_900)]).toEqual([
      'unjudged',
      'unjudged',
      'unjudged',
    ]);
    expect(verdict(60_000, 5_999)).toBe('missed');
  });
});

describe('a judge of time', () => {
  it('throws for a bound that is missed, with all figures', () => {
    using judge = startTimeJudge();
    const from = Date.now() - 10_000_000;
    const bound = { what: 'the answer', from, boundMs: 3_000 };
    expect(judge.verdict(bound)).toBe('missed');
    expect(() => judge.expect(bound)).toThrow(
      /^the answer took 1000\d{4} ms of 3000 ms allowed, while a program waited \d+ ms for a processor$/,
    );
    judge.expect({ ...bound, boundMs: 11_000_000 });
  });

  it('fails a test at its end, once, if something was left unjudged', () => {
    failIfUnjudged();
    leaveUnjudged('the answer took long');
    leaveUnjudged('so did another');
    expect(failIfUnjudged).toThrow(`${TOO_BUSY}: the answer took long; so did another`);
    failIfUnjudged();
  });
});
