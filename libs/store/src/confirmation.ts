import type { Keys } from './keys.ts';
import type { Redis } from './redis.ts';
import { type Confirmation, confirm } from './scripts/route-scripts.ts';
import { ScriptRunner } from './scripts/script-runner.ts';

export type { Confirmation } from './scripts/route-scripts.ts';

/** The digest is learnt once for each connection. */
const runners = new WeakMap<Redis, ScriptRunner>();

/** Asks the store about a route, for a table that follows the log of this epoch. Never rejects. */
export async function confirmRoute(
  redis: Redis,
  keys: Keys,
  id: string,
  logEpoch: number,
): Promise<Confirmation> {
  const runner = runners.get(redis) ?? new ScriptRunner(confirm);
  runners.set(redis, runner);
  try {
    return confirm.reply(await runner.run(redis, keys.epoch, confirm.encode({ id, logEpoch })));
  } catch {
    return 'unsure';
  }
}
