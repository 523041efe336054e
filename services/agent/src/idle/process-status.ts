import { ownProcess, type ProcessIdentity } from '@spawner/service';
import { processFacts } from '../runtime/process/proc.ts';

/**
 * Whether a process that described itself (process-identity.ts) still runs. `dead` means that it certainly never will
 * again: a stopped process is alive, a zombie is dead. `unknown` is every process in another PID namespace or on another
 * machine.
 */
export type ProcessStatus = 'alive' | 'dead' | 'unknown';

/** The process that has a PID now. `hidden` means that there may be one that we are not allowed to see. */
export type PidState = { readonly startTime: number; readonly zombie: boolean } | 'none' | 'hidden';

/** Equal in all processes whose PIDs this process can see. */
const HERE = ['bootId', 'pidNamespace', 'timeNamespace'] as const;

/** Pure, apart from `pidState`. */
export function statusOfProcess(
  one: ProcessIdentity,
  own: ProcessIdentity | undefined,
  pidState: (pid: number) => PidState,
): ProcessStatus {
  if (!own || own.bootId === '' || one.pid <= 0) return 'unknown';
  if (!HERE.every((name) => one[name] === own[name])) return 'unknown';
  const now = pidState(one.pid);
  if (now === 'none') return 'dead';
  if (now === 'hidden') return 'unknown';
  return now.startTime === one.startTicks && !now.zombie ? 'alive' : 'dead';
}

/** The status as this process can see it. */
export function processStatusOnThisMachine(): (one: ProcessIdentity) => ProcessStatus {
  const own = ownProcess();
  return (one) => statusOfProcess(one, own, pidState);
}

function pidState(pid: number): PidState {
  const facts = processFacts(pid);
  if (facts) return facts;
  // A /proc mounted with hidepid (proc(5)) shows no processes of other users. kill(2) still tells whether one exists.
  try {
    process.kill(pid, 0);
    return 'hidden';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH' ? 'none' : 'hidden';
  }
}
