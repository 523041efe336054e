import { ActivityKind } from '@spawner/proto/v1/explanation';
import { noProxyUses, type Settlement, settlement, withLastUses } from './settlement.ts';
import type { Testimony } from './testimony.ts';
import { reported, unusedSince } from './usage.ts';

const IDLE = 10_000;
const NOW = 20_000;
const usage = unusedSince(0);
const mute = { registration: 0, unused: false };
const says = (open: number, held: number, ageMs: number) => ({
  activity: { id: 'a', open, ageMs },
  ...{ held, ...mute },
});
const unused = says(0, 0, 15_000);
type Replies = readonly Testimony['reply'][];
/** One proxy for each reply; `deadBy` belongs to the reply of the same index. */
const from = (replies: Replies, deadBy: readonly (number | undefined)[] = []): Testimony[] =>
  replies.map((reply, index) => ({ proxyId: 'pqrs'[index] ?? '', reply, deadBy: deadBy[index] }));

describe('the settlement', () => {
  it.each<[string, Replies, number | undefined, Settlement['because'], number]>([
    ['ends without any proxy if the kernel agrees', [], 0, 'unused', 0],
    ['ends without any proxy and without a kernel to ask', [], undefined, 'unused', 0],
    ['ends if every proxy reports no use', [unused, unused], 0, 'unused', 5_000],
    [
      'ends if every proxy reports no use and the kernel cannot be asked',
      [unused],
      undefined,
      'unused',
      5_000,
    ],
    ['resumes while a proxy has a connection', [unused, says(1, 0, 0)], 0, 'open', NOW],
    ['resumes while a proxy holds a request', [unused, says(0, 1, 15_000)], 0, 'held', NOW],
    ['counts a missing answer as use', [unused, undefined], 0, 'silent', NOW],
    [
      'counts an empty answer as a missing one',
      [{ activity: undefined, held: 0, ...mute }],
      0,
      'silent',
      NOW,
    ],
    ['resumes if the kernel sees a connection', [unused], 1, 'connected', NOW],
    ['resumes if only the kernel sees a connection', [], 1, 'connected', NOW],
    ['continues from the true age', [unused, says(0, 0, 300)], 0, 'recent', 19_700],
    ['counts a negative age as now', [says(0, 0, -5)], 0, 'recent', NOW],
    ['does not end a millisecond before the timeout', [says(0, 0, IDLE - 1)], 0, 'recent', NOW - IDLE + 1],
    ['ends exactly at the timeout', [says(0, 0, IDLE)], 0, 'unused', NOW - IDLE],
  ])('%s', (_, replies, established, because, activeAt) => {
    const settled = settlement(usage, { testimonies: from(replies), established }, IDLE, NOW);
    expect([settled.because, settled.usage.activeAt]).toEqual([because, activeAt]);
    expect(settled.end).toBe(because === 'unused');
  });

  it('takes a report into account that arrived during the inquiry', () => {
    const meanwhile = reported(usage, 'p', 1, { open: 1, ageMs: 0 }, NOW - 100);
    expect(settlement(meanwhile, { testimonies: from([unused]), established: 0 }, IDLE, NOW).end).toBe(false);
  });

  it('asks the kernel only if no proxy reports a use', () => {
    expect(noProxyUses([])).toBe(true);
    expect(noProxyUses(from([unused, says(0, 0, 0)]))).toBe(true);
    for (const use of [undefined, says(1, 0, 0), says(0, 2, 0)])
      expect(noProxyUses(from([unused, use]))).toBe(false);
    expect(noProxyUses(from([unused, undefined], [undefined, 5_000]))).toBe(true);
  });

  describe('with a proxy that is certainly dead', () => {
    const settled = (replies: Replies, deadBy: (number | undefined)[], established: number | undefined) => {
      const evidence = { testimonies: from(replies, deadBy), established };
      const { because, usage: after } = settlement(usage, evidence, IDLE, NOW);
      return [because, after.activeAt];
    };

    it('ends if the kernel sees no connection, with a clock that starts at that death', () => {
      expect(settled([unused, undefined], [undefined, 7_000], 0)).toEqual(['unused', 7_000]);
      expect(settled([undefined], [NOW - IDLE], 0)).toEqual(['unused', NOW - IDLE]);
    });

    it('resumes if the death is more recent than the timeout, because a use may be unreported', () => {
      expect(settled([unused, undefined], [undefined, 12_000], 0)).toEqual(['recent', 12_000]);
    });

    it('counts its missing answer as use if the kernel cannot be asked', () => {
      expect(settled([unused, undefined], [undefined, 7_000], undefined)).toEqual(['silent', NOW]);
    });

    it('resumes if the kernel still sees a connection', () => {
      expect(settled([undefined], [7_000], 2)).toEqual(['connected', NOW]);
    });

    it('counts the missing answer of another proxy as use', () => {
      expect(settled([undefined, undefined], [7_000, undefined], 0)).toEqual(['silent', NOW]);
    });

    it('continues from the death of the predecessor of a proxy that was not used', () => {
      const begun = says(0, 0, 2_000);
      expect(settled([begun], [16_500], 0)).toEqual(['recent', 16_500]);
      expect(settled([begun], [6_000], 0)).toEqual(['unused', 6_000]);
      // A death is noticed a little late.
      expect(settled([begun], [18_100], 0)).toEqual(['recent', 18_000]);
    });
  });

  it('takes the last use from the answers: kind and path of the proxy with the latest one', () => {
    const reply = (ageMs: number, kind: ActivityKind, path: string) => ({
      activity: { id: 'a', open: 0, ageMs, last: { kind, path } },
      ...{ held: 0, ...mute },
    });
    const testimonies = from([
      reply(900, ActivityKind.HTTP, '/older'),
      reply(400, ActivityKind.UPGRADE, '/ws'),
      says(0, 0, 100),
      undefined,
    ]);
    const after = withLastUses(usage, { testimonies, established: 0 }, NOW);
    expect(after.last).toEqual({ at: NOW - 400, proxyId: 'q', kind: ActivityKind.UPGRADE, path: '/ws' });
    expect(after.activeAt).toBe(usage.activeAt);
    const known = reported(usage, 'p', 1, { open: 1, ageMs: 0 }, NOW - 100);
    expect(withLastUses(known, { testimonies: testimonies.slice(1, 2), established: 0 }, NOW).last).toEqual(
      known.last,
    );
  });
});
