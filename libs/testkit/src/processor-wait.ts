/**
 * How long processes waited for a processor. Linux counts it for the main thread of each process
 * (`/proc/PID/schedstat`, second field, nanoseconds); elsewhere nothing is counted and every wait is 0.
 */
import { readFileSync } from 'node:fs';

export interface ProcessorWait extends Disposable {
  /** The longest wait of a single process between two wall times, in milliseconds. */
  longest(from: number, to: number): number;
  /** The largest share that a single process has waited since the start, 0 to 1. */
  largestShare(): number;
}

/** The total wait of every watched process at one wall time, in milliseconds. */
export interface WaitSample {
  readonly at: number;
  readonly waited: ReadonlyMap<number, number>;
}

const SAMPLE_EVERY_MS = 50;

/** Watches this process and those that `pids` returns at each sample. */
export function watchProcessorWait(pids: () => readonly number[] = () => []): ProcessorWait {
  const samples: WaitSample[] = [];
  const sample = () => {
    const present = new Set([process.pid, ...pids()]);
    samples.push({ at: Date.now(), waited: new Map([...present].map((pid) => [pid, waitedMs(pid)])) });
  };
  sample();
  const timer = setInterval(sample, SAMPLE_EVERY_MS).unref();
  return {
    longest: (from, to) => {
      sample();
      return longestWait(samples, from, to);
    },
    largestShare: () => {
      sample();
      const [first, last] = [samples[0]!.at, samples.at(-1)!.at];
      return longestWait(samples, first, last) / Math.max(1, last - first);
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/**
 * The longest wait of a single process between two wall times. Waits of different processes are never added: programs
 * that wait beside one another delay an answer once. A process that is missing at one end of an interval counts from
 * the first sample to the last one that has it.
 */
export function longestWait(samples: readonly WaitSample[], from: number, to: number): number {
  if (to <= from) return 0;
  const totals = new Map<number, number>();
  for (const [index, after] of samples.entries()) {
    const before = samples[index - 1];
    if (!before || after.at <= from || before.at >= to) continue;
    const part = (Math.min(to, after.at) - Math.max(from, before.at)) / (after.at - before.at || 1);
    for (const [pid, waited] of after.waited) {
      const grown = Math.max(0, waited - (before.waited.get(pid) ?? waited));
      totals.set(pid, (totals.get(pid) ?? 0) + part * grown);
    }
  }
  return Math.max(0, ...totals.values());
}

/** Since the start of the process; 0 if the kernel does not count it or the process has gone. */
function waitedMs(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6 || 0;
  } catch {
    return 0;
  }
}
