import { type Keys, scriptKeys } from './keys.ts';
import { type Redis, Script } from './redis.ts';

/** What the store says of a route that a table lacks; `unsure` where it does not know itself, or is not there. */
export type Confirmation = 'known' | 'absent' | 'unsure';

const confirm = new Script('confirm', 'common');

/** Asks the store about a route, for a table that follows the log of this epoch. Never rejects. */
export async function confirmRoute(
  redis: Redis,
  keys: Keys,
  id: string,
  logEpoch: number,
): Promise<Confirmation> {
  try {
    return String(await confirm.run(redis, scriptKeys(keys), [id, logEpoch])) as Confirmation;
  } catch {
    return 'unsure';
  }
}
