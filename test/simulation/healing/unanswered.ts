import type { Cluster } from '../cluster.ts';
import { BOUNDS } from './bounds.ts';
import type { Unmet } from './unmet.ts';

/** A request that is held, or a call of a client, that still waits for its answer `since` the last of them came. */
export function unanswered({ proxies, apps }: Cluster, since: number): Unmet | undefined {
  const holder = proxies.find(({ waiting }) => waiting > 0);
  if (holder)
    return {
      invariant: 'answered',
      message: `${holder.name} holds ${holder.waiting} requests`,
      by: since + BOUNDS.held,
    };
  if (apps.waiting === 0) return undefined;
  return {
    invariant: 'answered',
    message: `${apps.waiting} calls of clients are not answered`,
    by: since + BOUNDS.call,
  };
}
