import type { RefusedEnd } from '@spawner/proto/v1/explanation';
import type { Evidence, Use } from './settlement.ts';

/** The ends for idleness that a backend was spared, and why. Pure. */
const MOST = 5;

/** One more refusal. The same cause as last time is counted, so that it does not push the others out. */
export function refusedOnceMore(
  refusals: readonly RefusedEnd[],
  cause: string,
  time: Date,
): readonly RefusedEnd[] {
  const last = refusals.at(-1);
  if (last?.cause === cause) return [...refusals.slice(0, -1), { cause, time, times: last.times + 1 }];
  return [...refusals, { cause, time, times: 1 }].slice(-MOST);
}

/** Why an end was refused, in words. `asked` and the evidence's answers go together. */
export function causeOf(
  because: Use | 'unused' | 'late',
  asked: readonly string[],
  { answers, established }: Evidence,
): string {
  const those = (fits: (answer: Evidence['answers'][number]) => boolean) =>
    asked.filter((_, index) => fits(answers[index]));
  switch (because) {
    case 'silent':
      return `no answer from ${those((answer) => !answer?.activity).join(', ')}`;
    case 'open':
      return asked
        .map((proxyId, index) => ({ proxyId, open: answers[index]?.activity?.open ?? 0 }))
        .filter(({ open }) => open > 0)
        .map(({ proxyId, open }) => `proxy ${proxyId} had ${open} open`)
        .join(', ');
    case 'held':
      return `a request was held by ${those((answer) => (answer?.held ?? 0) > 0).join(', ')}`;
    case 'connected':
      return `kernel: ${established ?? 0} established`;
    case 'recent':
      return 'a proxy had used it since';
    case 'late':
      return 'the question took too long';
    default:
      return 'it was used meanwhile';
  }
}
