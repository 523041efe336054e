import { join } from 'node:path';
import type { ProxyConfig } from '../config.ts';
import { TIMEOUTS } from '../timeouts.ts';

/** Limits of the whole proxy, of which each worker has its share; 0 is none for either. */
const SHARED = {
  heldPerBackend: 'HELD_PER_BACKEND',
  heldTotal: 'HELD_TOTAL',
  openPerBackend: 'OPEN_PER_BACKEND',
  connectionsPerHost: 'CONNECTIONS_PER_HOST',
  requestsPerSecondPerHost: 'REQUESTS_PER_SECOND_PER_HOST',
  connectionsPerAddress: 'CONNECTIONS_PER_ADDRESS',
} as const;

/**
 * What makes a proxy of its own of a worker, as variables over those of its supervisor: a name, what it may take of each limit, and
 * addresses that were asked for once. Slots are 1 to `workers`.
 */
export function workerEnvironment(
  config: ProxyConfig,
  slot: number,
  publicAddresses: readonly string[],
): Record<string, string> {
  const { id, named, workers, drainMs, stateDir } = config;
  const own = {
    WORKERS: 1,
    // Without a name of its own a worker that keeps state keeps its name there, too.
    ...(named || stateDir === '' ? { ID: `${id}-${slot}` } : {}),
    STATE_DIR: stateDir === '' ? '' : join(stateDir, `worker-${slot}`),
    PUBLIC_ADDRESSES: publicAddresses.join(','),
    PUBLIC_ADDRESS_API: '',
    DRAIN_MS: Math.max(0, drainMs - TIMEOUTS.drainSupervisor),
  };
  const shares = Object.entries(SHARED).map(([name, variable]) => [
    variable,
    shareOf(config[name as keyof typeof SHARED], workers, slot),
  ]);
  const all = [...Object.entries(own), ...shares];
  return Object.fromEntries(all.map(([name, value]) => [`SPAWNER_PROXY_${name}`, String(value)]));
}

/** The shares add up to the whole. */
function shareOf(whole: number, workers: number, slot: number): number {
  return Math.floor(whole / workers) + (slot <= whole % workers ? 1 : 0);
}
