import type { SettleReply } from '@spawner/proto/internal/telemetry';
import type { RefusedEnd } from '@spawner/proto/v1/explanation';
import { causeOf, withRefusal } from './refused-ends.ts';

const says = (open: number, held = 0): SettleReply => ({
  ...{ activity: { id: '', open, ageMs: 0 }, held },
  ...{ registration: 0, unused: false },
});
const cause = (because: Parameters<typeof causeOf>[0], ...replies: (SettleReply | undefined)[]) => {
  const testimonies = replies.map((reply, index) => ({ proxyId: 'pqr'[index] ?? '', reply }));
  return causeOf(because, { testimonies, established: 1 });
};

describe('the cause of a refused idle shutdown', () => {
  it.each<[string, string]>([
    [cause('open', says(0), says(1)), 'proxy q had 1 open'],
    [cause('open', says(3), says(1)), 'proxy p had 3 open, proxy q had 1 open'],
    [cause('silent', undefined, says(0), undefined), 'no answer from p, r'],
    [cause('silent', { held: 0, registration: 0, unused: false }), 'no answer from p'],
    [cause('held', says(0), says(0, 2)), 'a request was held by q'],
    [cause('connected', says(0)), 'kernel: 1 established'],
    [cause('recent', says(0)), 'a proxy had used it since'],
    [cause('late', says(0)), 'the question took too long'],
    [cause('unused', says(0)), 'it was used meanwhile'],
  ])('is: %s', (words, expected) => {
    expect(words).toBe(expected);
  });
});

describe('refused idle shutdowns', () => {
  const after = (...causes: string[]) =>
    causes.reduce<readonly RefusedEnd[]>((so, each, n) => withRefusal(so, each, new Date(n)), []);
  it('are kept for the last five', () => {
    expect(after('a', 'b', 'c', 'd', 'e', 'f').map((each) => each.cause)).toEqual(['b', 'c', 'd', 'e', 'f']);
  });
  it('count a repeated cause, with its last time', () => {
    expect(after('a', 'b', 'b', 'b')).toEqual([
      { cause: 'a', time: new Date(0), times: 1 },
      { cause: 'b', time: new Date(3), times: 3 },
    ]);
    expect(after('a', 'b', 'a')).toHaveLength(3);
  });
});
