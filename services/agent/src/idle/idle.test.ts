import { activityOf, isDue, reported, type Usage, unusedSince, verified, whomToAsk } from './idle.ts';

const IDLE = 10_000;

describe('the idle clock', () => {
  it('runs out when nothing was heard for the whole timeout, and never where the timeout is 0', () => {
    const usage = unusedSince(1_000);
    expect(isDue(usage, IDLE, 10_999)).toBe(false);
    expect(isDue(usage, IDLE, 11_000)).toBe(true);
    expect(isDue(usage, 0, 1e12)).toBe(false);
  });

  it.each<[string, [string, number, { open: number; ageMs: number }, number][], number]>([
    ['an open connection counts as use now', [['p', 1, { open: 1, ageMs: 0 }, 5_000]], 5_000],
    ['an age is taken from now', [['p', 1, { open: 0, ageMs: 400 }, 5_000]], 4_600],
    [
      'an older activity takes nothing back',
      [
        ['p', 1, { open: 0, ageMs: 0 }, 5_000],
        ['q', 1, { open: 0, ageMs: 4_000 }, 6_000],
      ],
      5_000,
    ],
    [
      'a proxy that was replaced is not heard any more',
      [
        ['p', 2, { open: 0, ageMs: 0 }, 5_000],
        ['p', 1, { open: 3, ageMs: 0 }, 8_000],
      ],
      5_000,
    ],
    ['a nonsense age counts as now', [['p', 1, { open: 0, ageMs: -50 }, 5_000]], 5_000],
  ])('%s', (_, reports, activeAt) => {
    const usage = reports.reduce((before, [proxy, registration, said, now]) => {
      return reported(before, proxy, registration, said, now);
    }, unusedSince(0));
    expect(usage.activeAt).toBe(activeAt);
  });

  it('of one backend says nothing of another', () => {
    const [used, unused] = [unusedSince(0), unusedSince(0)];
    const after = reported(used, 'p', 1, { open: 1, ageMs: 0 }, 9_000);
    expect(isDue(after, IDLE, 10_000)).toBe(false);
    expect(isDue(unused, IDLE, 10_000)).toBe(true);
  });
});

describe('the words of proxies', () => {
  it('do not grow with every proxy that ever was', () => {
    const hour = 3_600_000;
    const said = { open: 1, ageMs: 0 };
    let usage = unusedSince(0);
    for (let at = 0; at < 50; at++) usage = reported(usage, `proxy-${at}`, 1, said, at * hour);
    expect([...usage.words.keys()]).toEqual(['proxy-49']);
    usage = verified(usage, 'proxy-50', 50 * hour);
    expect([...usage.words.keys()]).toEqual(['proxy-50']);
  });
});

describe('whom to ask', () => {
  const used: Usage = reported(unusedSince(0), 'vanished', 1, { open: 2, ageMs: 0 }, 1_000);

  it('is who can reach it, and who was in use when last heard of', () => {
    expect(whomToAsk(used, ['a', 'b'], 20_000)).toEqual(['a', 'b', 'vanished']);
    expect(whomToAsk(used, ['vanished'], 20_000)).toEqual(['vanished']);
  });

  it('leaves out one that closed its connections, and one that was away for long', () => {
    expect(whomToAsk(reported(used, 'vanished', 1, { open: 0, ageMs: 0 }, 2_000), [], 20_000)).toEqual([]);
    expect(whomToAsk(used, [], 47_000)).toEqual([]);
  });
});

describe('a proxy that was told that a backend is there', () => {
  it('is a use of it, and is asked before an end, until it is forgotten or says otherwise', () => {
    const usage = verified(unusedSince(0), 'alone', 9_000);
    expect([isDue(usage, IDLE, 18_999), isDue(usage, IDLE, 19_000)]).toEqual([false, true]);
    expect(whomToAsk(usage, ['a'], 20_000)).toEqual(['a', 'alone']);
    expect(whomToAsk(usage, [], 55_000)).toEqual([]);
    const closed = reported(usage, 'alone', 1, { open: 0, ageMs: 0 }, 10_000);
    expect(whomToAsk(closed, [], 20_000)).toEqual([]);
  });

  it('is still heard where it was registered before', () => {
    const before = reported(unusedSince(0), 'p', 7, { open: 3, ageMs: 0 }, 1_000);
    const usage = verified(before, 'p', 2_000);
    expect(usage.words.get('p')).toEqual({ registration: 7, open: 3, heardAt: 2_000, verified: true });
    const later = reported(usage, 'p', 7, { open: 3, ageMs: 0 }, 3_000);
    expect(later.words.get('p')).not.toHaveProperty('verified');
  });
});

describe('what people are shown', () => {
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

  it('counts down where it is idle', () => {
    expect(activityOf(unusedSince(1_000), IDLE, 4_000)).toEqual({
      openConnections: 0,
      idleForMs: 3_000,
      idleRemainingMs: 7_000,
    });
    expect(activityOf(unusedSince(1_000), 0, 4_000).idleRemainingMs).toBeUndefined();
    expect(activityOf(unusedSince(1_000), IDLE, 99_000).idleRemainingMs).toBe(0);
  });
});
