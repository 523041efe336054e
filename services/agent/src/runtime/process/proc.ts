import { readdirSync, readFileSync } from 'node:fs';
import { statFields } from '@spawner/service';

/** A process as in /proc/<pid>/stat (proc(5)). */
export interface ProcessFacts {
  readonly pid: number;
  readonly zombie: boolean;
  readonly session: number;
  /** Processor time used so far, in ticks of 10 ms. */
  readonly ticks: number;
  /** Ticks since boot. Together with the PID it identifies one process of this boot. */
  readonly startTime: number;
  readonly memoryBytes: number;
}

const PAGE_BYTES = 4_096;
const TICKS_PER_SECOND = 100;

/** Returns undefined if there is no such process. */
export function processFacts(pid: number): ProcessFacts | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Every process of this namespace now. */
export function everyProcess(): ProcessFacts[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => processFacts(Number(name)) ?? []);
}

/** The living processes that have this entry in their environment, of one session or of any. */
export function sessionMembers(
  session: number | undefined,
  environmentEntry: string,
  processes: readonly ProcessFacts[] = everyProcess(),
): ProcessFacts[] {
  return processes.filter(
    (facts) =>
      (session === undefined || facts.session === session) &&
      !facts.zombie &&
      hasEntry(facts.pid, environmentEntry),
  );
}

/** The percentage of one processor for a number of ticks. */
export function cpuPercent(ticks: number, elapsedMs: number): number {
  return elapsedMs > 0 ? Math.max(0, (ticks / TICKS_PER_SECOND / (elapsedMs / 1_000)) * 100) : 0;
}

export function parseStat(line: string): ProcessFacts {
  const fields = statFields(line);
  const number = (index: number) => Number(fields[index]);
  return {
    pid: Number.parseInt(line, 10),
    zombie: fields[0] === 'Z' || fields[0] === 'X',
    session: number(3),
    ticks: number(11) + number(12),
    startTime: number(19),
    memoryBytes: number(21) * PAGE_BYTES,
  };
}

function hasEntry(pid: number, entry: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(entry);
  } catch {
    return false;
  }
}
