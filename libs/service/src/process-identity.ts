import { readFileSync, readlinkSync } from 'node:fs';

/**
 * What names one process of a machine for as long as the machine runs, so that another process there can tell whether it
 * is still the same: ids are used again, an id together with the moment of the start is not. The namespaces say
 * where ids and moments are counted. Linux; proc(5), namespaces(7).
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

/** This process; nothing where the system does not tell, or tells of other namespaces than ours. */
export function ownProcess(): ProcessIdentity | undefined {
  try {
    if (readlinkSync('/proc/self') !== String(process.pid)) return undefined;
    return {
      bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      pidNamespace: namespaceInode('pid'),
      timeNamespace: namespaceInode('time'),
      pid: process.pid,
      startTicks: startTicksIn(readFileSync('/proc/self/stat', 'utf8')),
    };
  } catch {
    return undefined;
  }
}

export function startTicksIn(stat: string): number {
  return Number(statFields(stat)[19]);
}

/**
 * The fields of /proc/<pid>/stat from the third, the state, on (proc(5)). The second, the name, may hold anything, a closing
 * bracket included: the others begin after the last.
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
