/** Pids are used again, a pid together with its moment of start is not: only such a pair is ever sent a signal. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

export interface ProcessIdentity {
  pid: number;
  /** When it started, as the system tells it; empty where there was no such process. */
  since: string;
}

export function identify(pid: number): ProcessIdentity {
  return { pid, since: startOf(pid) };
}

/** Whether this very process still runs; a zombie does not. */
export function isAlive({ pid, since }: ProcessIdentity): boolean {
  return since !== '' && startOf(pid) === since;
}

/** Sends SIGTERM, and SIGKILL after `withinMs`, to a process that need not be our child; resolves when it has gone. */
export async function endProcess(identity: ProcessIdentity, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  signal(identity, 'SIGTERM');
  while (isAlive(identity)) {
    if (performance.now() > deadline) signal(identity, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function signal(identity: ProcessIdentity, name: NodeJS.Signals): void {
  try {
    if (isAlive(identity)) process.kill(identity.pid, name);
  } catch (error) {
    // It went in between.
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

/** Field 22 of proc(5)'s stat with the boot that its ticks count from; empty for a zombie. The name (field 2) may hold anything. */
export function startInStat(stat: string, boot = bootId()): string {
  const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' || state === 'X' ? '' : `${boot}:${rest[18]}`;
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
