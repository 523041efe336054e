import { readdirSync, readFileSync } from 'node:fs';
import type { Clock } from '@spawner/domain';
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

/** The text of a file below /proc. Returns undefined if it cannot be read, as when its process has ended. */
export function procFile(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return undefined;
  }
}

/** Returns undefined if there is no such process. */
export function processFacts(pid: number): ProcessFacts | undefined {
  const stat = procFile(`${pid}/stat`);
  return stat === undefined ? undefined : parseStat(stat);
}

/** Every process of this namespace now. */
export function everyProcess(): ProcessFacts[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => processFacts(Number(name)) ?? []);
}

/**
 * All processes of the machine, read less than `ageMs` ago, with the instant of the read. Reading them takes some
 * milliseconds, so the samples of all backends share one read; with a hundred backends, one read each would keep the agent
 * busy.
 */
export function processTable(clock: Clock, look = everyProcess) {
  let seen: { at: number; processes: readonly ProcessFacts[] } | undefined;
  return (ageMs: number) => {
    const at = clock.now();
    if (!seen || at - seen.at >= ageMs) seen = { at, processes: look() };
    return seen;
  };
}

/** The living processes that have this backend's id in their environment, of one session or of any. */
export function backendProcesses(
  id: string,
  session: number | undefined,
  processes: readonly ProcessFacts[] = everyProcess(),
): ProcessFacts[] {
  const entry = `SPAWNER_BACKEND_ID=${id}`;
  const hasEntry = (pid: number) => procFile(`${pid}/environ`)?.split('\0').includes(entry);
  return processes
    .filter((facts) => !facts.zombie && (session === undefined || facts.session === session))
    .filter(({ pid }) => hasEntry(pid));
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
