import { join } from 'node:path';
import type { ProxyConfig } from '../config.ts';
import { TIMEOUTS } from '../timeouts.ts';

/** Limits of the whole proxy that its workers share; 0 means no limit. */
const SHARED = {
  heldPerBackend: 'HELD_PER_BACKEND',
  heldTotal: 'HELD_TOTAL',
  openPerBackend: 'OPEN_PER_BACKEND',
  connectionsPerHost: 'CONNECTIONS_PER_HOST',
  requestsPerSecondPerHost: 'REQUESTS_PER_SECOND_PER_HOST',
  connectionsPerAddress: 'CONNECTIONS_PER_ADDRESS',
} as const;

/**
 * The variables that make a worker a proxy of its own: a name, its share of each limit, and the public addresses. If those are
 * undefined, the worker finds them as a single proxy does. Slots are 1 to `workers`.
 */
export function workerEnvironment(config: ProxyConfig, slot: number, publicAddresses?: readonly string[]) {
  const { id, named, workers, drainMs, stateDir } = config;
  const own = {
    WORKERS: 1,
    // A worker with a state directory and no configured name keeps its name there.
    ...(named || stateDir === '' ? { ID: `${id}-${slot}` } : {}),
    STATE_DIR: stateDir === '' ? '' : join(stateDir, `worker-${slot}`),
    ...(publicAddresses && { PUBLIC_ADDRESSES: publicAddresses.join(','), PUBLIC_ADDRESS_API: '' }),
    DRAIN_MS: Math.max(0, drainMs - TIMEOUTS.drainSupervisor),
  };
  const shares = Object.entries(SHARED).map(([name, variable]) => [
    variable,
    shareOf(config[name as keyof typeof SHARED], workers, slot),
  ]);
  const all = [...Object.entries(own), ...shares];
  return Object.fromEntries(all.map(([name, value]) => [`SPAWNER_PROXY_${name}`, String(value)]));
}

/** All shares add up to the whole. */
function shareOf(whole: number, workers: number, slot: number): number {
  return Math.floor(whole / workers) + (slot <= whole % workers ? 1 : 0);
}
