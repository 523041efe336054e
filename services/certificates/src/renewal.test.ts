import { isDue, renewalTime, retryMs } from './renewal.ts';

const days = (from: number, to: number) => ({
  notBefore: new Date(Date.UTC(2024, 0, 1 + from)),
  notAfter: new Date(Date.UTC(2024, 0, 1 + to)),
});
const at = (day: number, ms = 0) => new Date(Date.UTC(2024, 0, 1 + day) + ms);

describe('renewal', () => {
  it('is due when a third of the lifetime is left', () => {
    expect(renewalTime(days(0, 90))).toEqual(at(60));
    expect(isDue(days(0, 90), at(60, -1))).toBe(false);
    expect(isDue(days(0, 90), at(60))).toBe(true);
  });

  it('is due within seconds for a certificate of seconds', () => {
    const short = { notBefore: at(0), notAfter: at(0, 30_000) };
    expect(renewalTime(short)).toEqual(at(0, 20_000));
  });

  it('is due without a certificate', () => {
    expect(isDue(undefined, at(0))).toBe(true);
  });

  it('waits longer after each failure, from 30 s to an hour, with a random part', () => {
    const most = [1, 2, 3, 7, 8, 100].map((failures) => retryMs(failures, () => 1) / 1_000);
    expect(most).toEqual([30, 60, 120, 1_920, 3_600, 3_600]);
    expect(retryMs(1, () => 0)).toBe(15_000);
  });
});
