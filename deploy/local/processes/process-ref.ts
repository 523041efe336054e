/** Pids are reused, but a pid together with its start is not. Only such a pair is ever sent a signal. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { bootId, startTicksIn, statFields } from '@spawner/service/process-identity';

export interface ProcessRef {
  pid: number;
  /** Its start in the system's own form; empty if there was no such process. */
  since: string;
}

export function identify(pid: number): ProcessRef {
  return { pid, since: startOf(pid) };
}

/** Whether this process still runs, rather than another of the same pid. A zombie does not run. */
export function isAlive({ pid, since }: ProcessRef): boolean {
  return since !== '' && startOf(pid) === since;
}

/** Ends a process, which need not be our child: SIGTERM, then SIGKILL after `withinMs`. Resolves when it is gone. */
export async function endProcess(identity: ProcessRef, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  signal(identity, 'SIGTERM');
  while (isAlive(identity)) {
    if (performance.now() > deadline) signal(identity, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function signal(identity: ProcessRef, name: NodeJS.Signals): void {
  try {
    if (isAlive(identity)) process.kill(identity.pid, name);
  } catch (error) {
    // It ended in between.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function startOf(pid: number): string {
  try {
    if (existsSync('/proc/self/stat')) return startInStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
}

/** The start in a line of /proc/<pid>/stat, with the boot that its ticks count from; empty for a zombie. */
export function startInStat(stat: string, boot = bootId()): string {
  const [state] = statFields(stat);
  return state === 'Z' || state === 'X' ? '' : `${boot}:${startTicksIn(stat)}`;
}
