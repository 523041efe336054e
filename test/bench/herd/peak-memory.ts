/** The highest resident size of a process, which the kernel keeps (proc(5): VmHWM, and 5 in clear_refs, which resets it). */
import { readFileSync, writeFileSync } from 'node:fs';

const MIB = 1_024;

export class PeakMemory {
  readonly #pid: number;
  readonly #before: number;

  /** Measures from now on. Needs root, or the owner of the process. */
  constructor(pid: number) {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
    this.#pid = pid;
    this.#before = sizeOf(pid, 'VmRSS');
  }

  /** MiB above the size at the beginning. */
  growth(): number {
    return (sizeOf(this.#pid, 'VmHWM') - this.#before) / MIB;
  }
}

/** In KiB. */
function sizeOf(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN);
}
