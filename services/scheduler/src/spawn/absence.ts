import { AppError } from '@spawner/domain';
import { confirmRoute, type Keys, type Redis, type StoreEpoch } from '@spawner/store';
import { STORE_BEGAN_ANEW } from './holder.ts';

export interface AbsenceParts {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly epoch: StoreEpoch;
}

/**
 * What a caller is told who names what the store does not have: `not_found` only where nobody can still tell of it. In a store
 * that began anew it may be running, and an end that is asked for would pass for done: `unavailable`.
 * `id`: of the backend; empty for the holder of a key.
 */
export async function absence(
  { redis, keys, epoch }: AbsenceParts,
  message: string,
  id = '',
): Promise<AppError> {
  const confirmed = await confirmRoute(redis, keys, id, epoch.current);
  if (confirmed === 'absent') return new AppError('not_found', message);
  return new AppError('unavailable', `${message}, as far as is known yet: ${STORE_BEGAN_ANEW}`);
}
