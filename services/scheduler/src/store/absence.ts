import { AppError } from '@spawner/domain';
import { confirmRoute } from '@spawner/store';
import type { Parts } from '../parts.ts';

/** While a new store epoch is open, drones may report backends and keys that the store lost, and proxies may be missing. */
export const NEW_EPOCH =
  'the store opened a new epoch, and some drones and proxies may not have registered again';

/**
 * The error for an id or key that the store does not have. It is `not_found` only if no drone can still report it. After
 * a store loss it is `unavailable`, because the backend may still be running. `id` is empty for the holder of a key.
 */
export async function absence(
  { redis, keys, epoch }: Pick<Parts, 'redis' | 'keys' | 'epoch'>,
  message: string,
  id = '',
): Promise<AppError> {
  const confirmed = await confirmRoute(redis, keys, id, epoch.current);
  if (confirmed === 'absent') return new AppError('not_found', message);
  return new AppError('unavailable', `${message}, as far as is known yet: ${NEW_EPOCH}`);
}
