import { readFileSync } from 'node:fs';
import { statFields } from '@spawner/service';

/** Linux counts in hundredths of a second on every platform that Node runs on (sysconf _SC_CLK_TCK). */
const TICK_MS = 10;

/** Processor time in milliseconds, in the program's own code and in the kernel on its behalf. */
export interface ProcessorTime {
  user: number;
  system: number;
}

/** Processor time that a process has used so far, all its threads together (proc(5): utime and stime of /proc/PID/stat). */
export function processorTimeOf(pid: number): ProcessorTime {
  const fields = statFields(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return { user: Number(fields[11]) * TICK_MS, system: Number(fields[12]) * TICK_MS };
}

/** User and system time together. */
export function processTimeMs(pid: number): number {
  const { user, system } = processorTimeOf(pid);
  return user + system;
}
