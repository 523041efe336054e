import { clockFrom, type Outage, Proxies } from './proxies.ts';

const away = (awayAt: number, backAt: number): Outage => ({ proxy: 0, kind: 'frozen', awayAt, backAt });
const killed = (awayAt: number, backAt = Number.POSITIVE_INFINITY): Outage => ({
  ...{ proxy: 0, kind: 'killed', awayAt, backAt },
});

describe('the time in which a proxy was awake', () => {
  it('is that in which it was not frozen', () => {
    const proxies = new Proxies([]);
    proxies.outages.push(away(120, 200), killed(10, 400), { ...away(0, 1_000), proxy: 1 });
    proxies.outages.push(away(290, Number.POSITIVE_INFINITY));
    expect(proxies.awakeMs(0, 100, 300)).toBe(110);
    expect(proxies.awakeMs(0, 130, 150)).toBe(0);
    expect(proxies.awakeMs(2, 100, 300)).toBe(200);
  });
});

describe('the moment from which an idle clock may have run', () => {
  it.each<[string, Outage[], number]>([
    ['is the last use where every proxy was there', [], 100],
    ['is the return of a proxy that was frozen before its end', [away(120, 200)], 200],
    [
      'is the last of several returns, each within the time after the one before',
      [away(120, 200), away(240, 300)],
      300,
    ],
    ['is not moved by a proxy that went away after its end', [away(151, 200)], 100],
    ['is the death of a proxy that was killed before its end, not its return', [killed(120, 200)], 120],
    ['is the death of one that does not come back', [killed(120)], 120],
    ['is not moved by one that was killed after its end', [killed(151)], 100],
    ['is not moved by one that was killed before', [killed(90, 120)], 100],
    ['is not moved by one that was back before', [away(10, 90)], 100],
  ])('%s', (_, outages, from) => {
    expect(clockFrom(100, 50, outages)).toBe(from);
  });
});
