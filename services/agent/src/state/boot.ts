import { readFileSync } from 'node:fs';
import { type Clock, systemClock } from '@spawner/domain';

/**
 * The agent's clock counts from the machine's boot (CLOCK_MONOTONIC), the same for every process of one
 * boot: a restarted agent reads its journal's instants as they are. The boot's id tells when it may not.
 */
export const bootClock: Clock = {
  now: () => Number(process.hrtime.bigint() / 1_000n) / 1_000,
  wall: systemClock.wall,
  sleep: systemClock.sleep,
};

/** Names this boot of the machine; where the system does not tell, a text that no journal has. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return `unknown-${process.pid}-${Date.now()}`;
  }
}
