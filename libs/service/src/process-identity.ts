import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Identifies one process of a machine until its next boot, so that another process there can tell whether it still runs. Pids
 * are reused, but a pid together with its start time is not. Both are counted per namespace. Linux; proc(5), namespaces(7).
 */
export interface ProcessIdentity {
  readonly bootId: string;
  /** Inodes; 0 where the kernel has no such namespaces. */
  readonly pidNamespace: number;
  readonly timeNamespace: number;
  readonly pid: number;
  /** Field 22 of /proc/<pid>/stat, in clock ticks since boot. */
  readonly startTicks: number;
}

/** This process. Returns undefined if /proc is missing or shows another pid namespace. */
export function ownProcess(): ProcessIdentity | undefined {
  try {
    if (readlinkSync('/proc/self') !== String(process.pid)) return undefined;
    return {
      bootId: bootId(),
      pidNamespace: namespaceInode('pid'),
      timeNamespace: namespaceInode('time'),
      pid: process.pid,
      startTicks: startTicksIn(readFileSync('/proc/self/stat', 'utf8')),
    };
  } catch {
    return undefined;
  }
}

/** Changes with every boot of the machine (random(4)). Throws if there is no such file. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

export function startTicksIn(stat: string): number {
  return Number(statFields(stat)[19]);
}

/**
 * The fields of /proc/<pid>/stat from the third, the state, onwards (proc(5)). The second, the name, may contain anything, even
 * a closing bracket, so the rest begins after the last one.
 */
export function statFields(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function namespaceInode(kind: 'pid' | 'time'): number {
  try {
    return Number(/\[(\d+)\]$/.exec(readlinkSync(`/proc/self/ns/${kind}`))?.[1] ?? 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
