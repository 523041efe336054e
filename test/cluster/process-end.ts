/** The real end of a backend that runs as a plain process, past every record that Spawner keeps of it. */
import { setTimeout as wait } from 'node:timers/promises';
import { isAlive, type ProcessRef } from '../../deploy/local/processes/process-ref.ts';

const LOOK_EVERY_MS = 25;

/** Resolves with the wall time at which the process was first seen to be gone. */
export async function goneAt(program: ProcessRef): Promise<number> {
  while (isAlive(program)) await wait(LOOK_EVERY_MS, undefined, { ref: false });
  return Date.now();
}
