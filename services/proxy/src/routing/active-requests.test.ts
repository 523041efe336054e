import { ActivityKind } from '@spawner/proto/v1/explanation';
import { type ActiveRequest, ActiveRequests } from './active-requests.ts';

describe('ActiveRequests', () => {
  it('counts an exchange from its begin to its end, and gives the age of the end after that', () => {
    const activity = new ActiveRequests(0);
    const first = activity.begin('a', 'drone-1');
    const second = activity.begin('a', 'drone-1');
    expect(activity.of('a', 500)).toEqual({ id: 'a', open: 2, ageMs: 0 });
    first.end(1_000);
    expect(activity.of('a', 9_000)).toEqual({ id: 'a', open: 1, ageMs: 0 });
    second.end(2_000);
    expect(activity.of('a', 9_000)).toEqual({ id: 'a', open: 0, ageMs: 7_000 });
  });

  it.each<[boolean, string, string]>([
    [false, '/a/b?token=secret', '/a/b'],
    [true, '/ws', '/ws'],
    [false, `/${'x'.repeat(200)}?q`, `/${'x'.repeat(127)}`],
    [false, '/?', '/'],
  ])(
    'keeps the kind and path of the last exchange that reached it, upgraded or not: %s %s',
    (upgrade, path, kept) => {
      const activity = new ActiveRequests(0);
      activity.begin('a', 'drone-1').reached(!upgrade, '/before');
      activity.begin('a', 'drone-1').reached(upgrade, path);
      activity.begin('a', 'drone-1').neverReached();
      const kind = upgrade ? ActivityKind.UPGRADE : ActivityKind.HTTP;
      expect(activity.of('a', 0).last).toEqual({ kind, path: kept });
      expect(activity.report(0, 1).get('drone-1')).toMatchObject([{ last: { kind, path: kept } }]);
    },
  );

  it('knows of no use before the end of an exchange that had reached the backend', () => {
    const activity = new ActiveRequests(0);
    expect(activity.isUnused('a')).toBe(true);
    const [refused, used] = [activity.begin('a', 'drone-1'), activity.begin('a', 'drone-1')];
    expect(activity.isUnused('a')).toBe(false);
    refused.neverReached();
    expect(activity.isUnused('a')).toBe(false);
    used.end(700);
    expect([activity.isUnused('a'), activity.isUnused('b')]).toEqual([false, true]);
    activity.begin('b', 'drone-1').neverReached();
    expect([activity.isUnused('b'), activity.of('b', 900).ageMs]).toEqual([true, 900]);
  });

  it('ends a request once, however often its end is reported', () => {
    const activity = new ActiveRequests(0);
    const exchange = activity.begin('a', 'drone-1');
    activity.begin('a', 'drone-1');
    exchange.end(1);
    exchange.end(2);
    exchange.neverReached();
    expect(activity.open('a')).toBe(1);
  });

  it('reports the first byte of the first response for which a request was held', () => {
    const activity = new ActiveRequests(0);
    const [held, later, usual] = [1, 2, 3].map(() => activity.begin('a', 'drone-1')) as [
      ActiveRequest,
      ActiveRequest,
      ActiveRequest,
    ];
    expect(usual.answered(900)).toBeUndefined();
    expect(activity.of('a', 900).firstByteMs).toBeUndefined();
    held.wasHeld(1_000);
    later.wasHeld(1_000);
    expect(held.answered(1_002.4)).toBeCloseTo(2.4);
    expect(held.answered(1_900)).toBeUndefined();
    expect(later.answered(1_030)).toBe(30);
    expect(activity.report(1_030, 1).get('drone-1')).toMatchObject([{ id: 'a', firstByteMs: 2 }]);
  });

  it('gives no age to what never reached the backend', () => {
    const activity = new ActiveRequests(0);
    activity.begin('a', 'drone-1').end(1_000);
    activity.begin('a', 'drone-1').neverReached();
    expect(activity.of('a', 5_000)).toEqual({ id: 'a', open: 0, ageMs: 4_000 });
    activity.begin('b', 'drone-1').neverReached();
    expect(activity.of('b', 5_000).ageMs).toBe(5_000);
  });

  it('takes a backend without an entry for idle since the start of the proxy', () => {
    expect(new ActiveRequests(1_000).of('a', 61_000)).toEqual({ id: 'a', open: 0, ageMs: 60_000 });
  });

  it('reports to each drone what is open, and an end for as long as asked', () => {
    const activity = new ActiveRequests(0);
    activity.begin('a', 'drone-1');
    activity.begin('b', 'drone-2').end(9_000);
    activity.begin('c', 'drone-2').end(5_000);
    expect(Object.fromEntries(activity.report(10_000, 3_000))).toEqual({
      'drone-1': [{ id: 'a', open: 1, ageMs: 0 }],
      'drone-2': [{ id: 'b', open: 0, ageMs: 1_000 }],
    });
  });

  it('keeps nothing of a backend whose route has gone, once nothing is open', () => {
    const activity = new ActiveRequests(0);
    const exchange = activity.begin('a', 'drone-1');
    activity.begin('b', 'drone-1').end(1);
    activity.forget('a');
    activity.forget('b');
    expect([activity.size, activity.open('a')]).toEqual([1, 1]);
    exchange.end(2);
    expect([activity.size, activity.total]).toEqual([0, 0]);
  });
});
