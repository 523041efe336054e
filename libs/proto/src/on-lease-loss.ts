import { type BackendKey, OnLeaseLoss } from './gen/spawner/v1/backend.ts';

/**
 * Whether a backend must have ended before its key can be given to another: its agent ends it when the lease
 * passes, the scheduler gives its key away later. Without a word of its spec: one with a key.
 */
export function endsWithLease(onLeaseLoss: OnLeaseLoss, key: BackendKey | undefined): boolean {
  if (onLeaseLoss === OnLeaseLoss.UNSPECIFIED) return key !== undefined;
  return onLeaseLoss === OnLeaseLoss.STOP;
}
