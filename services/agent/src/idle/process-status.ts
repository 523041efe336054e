import { ownProcess, type ProcessIdentity } from '@spawner/service';
import { processFacts } from '../runtime/process/proc.ts';

/**
 * What became of a process of this machine that described itself (process-identity.ts). `dead` only where that is certain:
 * it will never do anything again. One that is stopped is alive, a zombie is dead. `unknown` where this process
 * cannot see those of the other's namespace, and of every other machine.
 */
export type Fate = 'alive' | 'dead' | 'unknown';

/** What stands under an id now; `hidden` where there is something that may not be looked at. */
export type Standing = { readonly startTime: number; readonly zombie: boolean } | 'nothing' | 'hidden';

/** Pure, but for what `standing` says of the id. */
export function fateOf(
  one: ProcessIdentity,
  own: ProcessIdentity | undefined,
  standing: (pid: number) => Standing,
): Fate {
  if (!own || own.bootId === '' || one.pid <= 0) return 'unknown';
  const here =
    one.bootId === own.bootId &&
    one.pidNamespace === own.pidNamespace &&
    one.timeNamespace === own.timeNamespace;
  if (!here) return 'unknown';
  const now = standing(one.pid);
  if (now === 'nothing') return 'dead';
  if (now === 'hidden') return 'unknown';
  return now.startTime === one.startTicks && !now.zombie ? 'alive' : 'dead';
}

/** The same as this process sees it. */
export function fateSeenFromHere(): (one: ProcessIdentity) => Fate {
  const own = ownProcess();
  return (one) => fateOf(one, own, standingUnder);
}

function standingUnder(pid: number): Standing {
  const facts = processFacts(pid);
  if (facts) return facts;
  // A /proc that hides what belongs to others (hidepid, proc(5)) looks like one without it; kill(2) tells them apart.
  try {
    process.kill(pid, 0);
    return 'hidden';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH' ? 'nothing' : 'hidden';
  }
}
