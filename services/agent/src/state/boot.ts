import { readFileSync } from 'node:fs';
import { type Clock, systemClock } from '@spawner/domain';

/**
 * The agent's clock counts from the machine's boot (CLOCK_MONOTONIC). All processes of one boot share it, so a restarted
 * agent can use the instants in its journal, as long as the boot id is the same.
 */
export const bootClock: Clock = {
  now: () => Number(process.hrtime.bigint() / 1_000n) / 1_000,
  wall: systemClock.wall,
  sleep: systemClock.sleep,
};

/** Identifies this boot of the machine. If the system has no boot id, returns a text that no journal has. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return `unknown-${process.pid}-${Date.now()}`;
  }
}
