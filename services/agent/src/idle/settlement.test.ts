import { ActivityKind } from '@spawner/proto/v1/explanation';
import { reported, unusedSince } from './idle.ts';
import { nobodyUses, type Settlement, settlement, withLastUses } from './settlement.ts';

const IDLE = 10_000;
const NOW = 20_000;
const usage = unusedSince(0);
const mute = { registration: 0, unused: false };
const says = (open: number, held: number, ageMs: number) => ({
  activity: { id: 'a', open, ageMs },
  ...{ held, ...mute },
});
const unused = says(0, 0, 15_000);
type Answers = Parameters<typeof settlement>[1]['answers'];

describe('the settlement', () => {
  it.each<[string, Answers, number | undefined, Settlement['because'], number]>([
    ['without any proxy is the end where the kernel agrees', [], 0, 'unused', 0],
    ['without any proxy and without a kernel to ask is the end too', [], undefined, 'unused', 0],
    ['is the end when all say that nothing is going on', [unused, unused], 0, 'unused', 5_000],
    ['is the end when all say so and the kernel cannot be asked', [unused], undefined, 'unused', 5_000],
    ['gives back while one has a connection', [unused, says(1, 0, 0)], 0, 'open', NOW],
    ['gives back while one holds a request', [unused, says(0, 1, 15_000)], 0, 'held', NOW],
    ['takes a missing answer for use', [unused, undefined], 0, 'silent', NOW],
    [
      'takes an empty answer for a missing one',
      [{ activity: undefined, held: 0, ...mute }],
      0,
      'silent',
      NOW,
    ],
    ['gives back where the kernel sees a connection', [unused], 1, 'connected', NOW],
    ['gives back where the kernel alone could tell', [], 1, 'connected', NOW],
    ['goes on from the true age', [unused, says(0, 0, 300)], 0, 'recent', 19_700],
    ['takes a nonsense age for now', [says(0, 0, -5)], 0, 'recent', NOW],
    ['is no end a millisecond before the time', [says(0, 0, IDLE - 1)], 0, 'recent', NOW - IDLE + 1],
    ['is the end at the very time', [says(0, 0, IDLE)], 0, 'unused', NOW - IDLE],
  ])('%s', (_, answers, established, because, activeAt) => {
    const settled = settlement(usage, { answers, established }, IDLE, NOW);
    expect([settled.because, settled.usage.activeAt]).toEqual([because, activeAt]);
    expect(settled.end).toBe(because === 'unused');
  });

  it('hears a report that came while it was asking', () => {
    const meanwhile = reported(usage, 'p', 1, { open: 1, ageMs: 0 }, NOW - 100);
    expect(settlement(meanwhile, { answers: [unused], established: 0 }, IDLE, NOW).end).toBe(false);
  });

  it('asks the kernel only where the proxies leave the end open', () => {
    expect(nobodyUses({ answers: [] })).toBe(true);
    expect(nobodyUses({ answers: [unused, says(0, 0, 0)] })).toBe(true);
    for (const use of [undefined, says(1, 0, 0), says(0, 2, 0)])
      expect(nobodyUses({ answers: [unused, use] })).toBe(false);
    expect(nobodyUses({ answers: [unused, undefined], deadBy: [undefined, 5_000] })).toBe(true);
  });

  describe('with a proxy that is dead for certain', () => {
    const settled = (answers: Answers, deadBy: (number | undefined)[], established: number | undefined) => {
      const { because, usage: after } = settlement(usage, { answers, deadBy, established }, IDLE, NOW);
      return [because, after.activeAt];
    };

    it('is the end where the kernel sees no connection, and its clock began at that death', () => {
      expect(settled([unused, undefined], [undefined, 7_000], 0)).toEqual(['unused', 7_000]);
      expect(settled([undefined], [NOW - IDLE], 0)).toEqual(['unused', NOW - IDLE]);
    });

    it('gives back while that death is more recent than the timeout: it may have had a use that nobody heard of', () => {
      expect(settled([unused, undefined], [undefined, 12_000], 0)).toEqual(['recent', 12_000]);
    });

    it('takes its missing answer for use where the kernel cannot be asked', () => {
      expect(settled([unused, undefined], [undefined, 7_000], undefined)).toEqual(['silent', NOW]);
    });

    it('gives back where the kernel sees a connection all the same', () => {
      expect(settled([undefined], [7_000], 2)).toEqual(['connected', NOW]);
    });

    it('takes the missing answer of another proxy for use as ever', () => {
      expect(settled([undefined, undefined], [7_000, undefined], 0)).toEqual(['silent', NOW]);
    });

    it('goes on from the death of the one before, where one that has begun since was not used', () => {
      const begun = says(0, 0, 2_000);
      expect(settled([begun], [16_500], 0)).toEqual(['recent', 16_500]);
      expect(settled([begun], [6_000], 0)).toEqual(['unused', 6_000]);
      // A death is seen a little late.
      expect(settled([begun], [18_100], 0)).toEqual(['recent', 18_000]);
    });
  });

  it('learns the last use from the answers: its kind and path, of the proxy that had the latest', () => {
    const told = (ageMs: number, kind: ActivityKind, path: string) => ({
      activity: { id: 'a', open: 0, ageMs, last: { kind, path } },
      ...{ held: 0, ...mute },
    });
    const answers = [
      told(900, ActivityKind.HTTP, '/older'),
      told(400, ActivityKind.UPGRADE, '/ws'),
      says(0, 0, 100),
      undefined,
    ];
    const after = withLastUses(usage, ['p', 'q', 'r', 's'], { answers, established: 0 }, NOW);
    expect(after.last).toEqual({ at: NOW - 400, proxyId: 'q', kind: ActivityKind.UPGRADE, path: '/ws' });
    expect(after.activeAt).toBe(usage.activeAt);
    const known = reported(usage, 'p', 1, { open: 1, ageMs: 0 }, NOW - 100);
    expect(withLastUses(known, ['q'], { answers: [answers[1]], established: 0 }, NOW).last).toEqual(
      known.last,
    );
  });
});
