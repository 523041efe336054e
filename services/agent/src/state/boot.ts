import { type Clock, systemClock } from '@spawner/domain';
import { procFile } from '../runtime/process/proc.ts';

/**
 * The agent's clock counts from the machine's boot (CLOCK_MONOTONIC). All processes of one boot share it, so a restarted
 * agent can use the instants in its journal, as long as the boot id is the same.
 */
export const bootClock: Clock = {
  ...systemClock,
  now: () => Number(process.hrtime.bigint() / 1_000n) / 1_000,
};

/** Identifies this boot of the machine. If the system has no boot id, returns a text that no journal has. */
export function bootId(): string {
  return procFile('sys/kernel/random/boot_id')?.trim() ?? `unknown-${process.pid}-${Date.now()}`;
}
