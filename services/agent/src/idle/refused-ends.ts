import type { RefusedEnd } from '@spawner/proto/v1/explanation';
import type { Evidence, Use } from './settlement.ts';
import { hasSpoken, type Testimony } from './testimony.ts';

/** The idle shutdowns that were refused, and why. Pure. */
const MOST = 5;

/** Adds a refusal. A repetition of the last cause is counted, so that it does not push the others out. */
export function withRefusal(refusals: readonly RefusedEnd[], cause: string, time: Date): RefusedEnd[] {
  const last = refusals.at(-1);
  if (last?.cause === cause) return [...refusals.slice(0, -1), { cause, time, times: last.times + 1 }];
  return [...refusals, { cause, time, times: 1 }].slice(-MOST);
}

/** The sentence that ExplainBackend shows for a refusal. */
export function causeOf(because: Use | 'unused' | 'late', evidence: Evidence): string {
  const { testimonies, established = 0 } = evidence;
  const proxies = (fits: (testimony: Testimony) => boolean) =>
    testimonies.filter(fits).map(({ proxyId }) => proxyId);
  switch (because) {
    case 'silent':
      return `no answer from ${proxies((each) => !hasSpoken(each)).join(', ')}`;
    case 'open':
      return testimonies
        .map(({ proxyId, reply }) => ({ proxyId, open: reply?.activity?.open ?? 0 }))
        .filter(({ open }) => open > 0)
        .map(({ proxyId, open }) => `proxy ${proxyId} had ${open} open`)
        .join(', ');
    case 'held':
      return `a request was held by ${proxies(({ reply }) => (reply?.held ?? 0) > 0).join(', ')}`;
    case 'connected':
      return `kernel: ${established} established`;
    case 'recent':
      return 'a proxy had used it since';
    case 'late':
      return 'the question took too long';
    default:
      return 'it was used meanwhile';
  }
}
