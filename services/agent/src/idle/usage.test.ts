import { activityOf, isDue, proxiesToAsk, reported, type Usage, unusedSince, verified } from './usage.ts';

const IDLE = 10_000;

describe('the idle clock', () => {
  it('runs out after the whole timeout without a report, and never if the timeout is 0', () => {
    const usage = unusedSince(1_000);
    expect(isDue(usage, IDLE, 10_999)).toBe(false);
    expect(isDue(usage, IDLE, 11_000)).toBe(true);
    expect(isDue(usage, 0, 1e12)).toBe(false);
  });

  it.each<[string, [string, number, { open: number; ageMs: number }, number][], number]>([
    ['an open connection counts as use now', [['p', 1, { open: 1, ageMs: 0 }, 5_000]], 5_000],
    ['an age is counted back from now', [['p', 1, { open: 0, ageMs: 400 }, 5_000]], 4_600],
    [
      'an older use does not move the clock back',
      [
        ['p', 1, { open: 0, ageMs: 0 }, 5_000],
        ['q', 1, { open: 0, ageMs: 4_000 }, 6_000],
      ],
      5_000,
    ],
    [
      'a report of an older registration is ignored',
      [
        ['p', 2, { open: 0, ageMs: 0 }, 5_000],
        ['p', 1, { open: 3, ageMs: 0 }, 8_000],
      ],
      5_000,
    ],
    ['a negative age counts as now', [['p', 1, { open: 0, ageMs: -50 }, 5_000]], 5_000],
  ])('%s', (_, reports, activeAt) => {
    const usage = reports.reduce((before, [proxy, registration, report, now]) => {
      return reported(before, proxy, registration, report, now);
    }, unusedSince(0));
    expect(usage.activeAt).toBe(activeAt);
  });

  it('of one backend is independent of another', () => {
    const [used, unused] = [unusedSince(0), unusedSince(0)];
    const after = reported(used, 'p', 1, { open: 1, ageMs: 0 }, 9_000);
    expect(isDue(after, IDLE, 10_000)).toBe(false);
    expect(isDue(unused, IDLE, 10_000)).toBe(true);
  });
});

describe('the reports of proxies', () => {
  it('are dropped for proxies that are long gone', () => {
    const hour = 3_600_000;
    const report = { open: 1, ageMs: 0 };
    let usage = unusedSince(0);
    for (let at = 0; at < 50; at++) usage = reported(usage, `proxy-${at}`, 1, report, at * hour);
    expect([...usage.reports.keys()]).toEqual(['proxy-49']);
    usage = verified(usage, 'proxy-50', 50 * hour);
    expect([...usage.reports.keys()]).toEqual(['proxy-50']);
  });
});

describe('the proxies to ask', () => {
  const used: Usage = reported(unusedSince(0), 'vanished', 1, { open: 2, ageMs: 0 }, 1_000);

  it('can reach the backend, or had something open at their last report', () => {
    expect(proxiesToAsk(used, ['a', 'b'], 20_000)).toEqual(['a', 'b', 'vanished']);
    expect(proxiesToAsk(used, ['vanished'], 20_000)).toEqual(['vanished']);
  });

  it('leave out a proxy that closed its connections, and one that has been away for long', () => {
    expect(proxiesToAsk(reported(used, 'vanished', 1, { open: 0, ageMs: 0 }, 2_000), [], 20_000)).toEqual([]);
    expect(proxiesToAsk(used, [], 47_000)).toEqual([]);
  });
});

describe('a proxy that has verified a backend', () => {
  it('uses it, and is asked before an idle shutdown until it is forgotten or reports no use', () => {
    const usage = verified(unusedSince(0), 'alone', 9_000);
    expect([isDue(usage, IDLE, 18_999), isDue(usage, IDLE, 19_000)]).toEqual([false, true]);
    expect(proxiesToAsk(usage, ['a'], 20_000)).toEqual(['a', 'alone']);
    expect(proxiesToAsk(usage, [], 55_000)).toEqual([]);
    const closed = reported(usage, 'alone', 1, { open: 0, ageMs: 0 }, 10_000);
    expect(proxiesToAsk(closed, [], 20_000)).toEqual([]);
  });

  it('keeps the registration of its last report', () => {
    const before = reported(unusedSince(0), 'p', 7, { open: 3, ageMs: 0 }, 1_000);
    const usage = verified(before, 'p', 2_000);
    expect(usage.reports.get('p')).toEqual({ registration: 7, open: 3, heardAt: 2_000, verified: true });
    const later = reported(usage, 'p', 7, { open: 3, ageMs: 0 }, 3_000);
    expect(later.reports.get('p')).not.toHaveProperty('verified');
  });
});

describe('the activity that the API shows', () => {
  it('is the sum of fresh reports, without a countdown while in use', () => {
    let usage = reported(unusedSince(0), 'p', 1, { open: 2, ageMs: 0 }, 5_000);
    usage = reported(usage, 'q', 1, { open: 1, ageMs: 0 }, 5_500);
    expect(activityOf(usage, IDLE, 6_000)).toEqual({
      openConnections: 3,
      idleForMs: 0,
      idleRemainingMs: undefined,
    });
    expect(activityOf(usage, IDLE, 8_200).openConnections).toBe(1);
  });

  it('counts down while it is idle', () => {
    expect(activityOf(unusedSince(1_000), IDLE, 4_000)).toEqual({
      openConnections: 0,
      idleForMs: 3_000,
      idleRemainingMs: 7_000,
    });
    expect(activityOf(unusedSince(1_000), 0, 4_000).idleRemainingMs).toBeUndefined();
    expect(activityOf(unusedSince(1_000), IDLE, 99_000).idleRemainingMs).toBe(0);
  });
});
