import type { Keys } from './keys.ts';
import type { Redis } from './redis.ts';

/** What the store says of a route that a table lacks; `unsure` where it does not know itself, or is not there. */
export type Confirmation = 'known' | 'absent' | 'unsure';

/**
 * Asks the store about a route. It knows that there is none only where it is the store that the table follows, by
 * the epoch of its log, and every node has told it what it has: not in the window of a new store epoch. Never rejects.
 */
export async function confirmRoute(
  redis: Redis,
  keys: Keys,
  id: string,
  logEpoch: number,
): Promise<Confirmation> {
  try {
    const [there, head, store, now] = (await Promise.all([
      redis.send(['HEXISTS', keys.routes, id]),
      redis.send(['HGET', keys.routeHead, 'epoch']),
      redis.send(['HMGET', keys.epoch, 'epoch', 'until']),
      redis.send(['HGET', keys.clock, 'now']),
    ])) as [number, Buffer | null, (Buffer | null)[], Buffer | null];
    if (there === 1) return 'known';
    const [epoch, until] = store;
    const complete = number(epoch) > 0 && number(until) <= number(now);
    return complete && number(head) === logEpoch ? 'absent' : 'unsure';
  } catch {
    return 'unsure';
  }
}

function number(text: Buffer | null | undefined): number {
  return Number(String(text ?? 0));
}
