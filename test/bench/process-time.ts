import { readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second on every platform that Node runs on (sysconf _SC_CLK_TCK). */
const TICK_MS = 10;

/** Processor time that a process has used so far, in milliseconds (proc(5): utime and stime of /proc/PID/stat). */
export function processTimeMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The program's name, in parentheses, may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
