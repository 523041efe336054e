/**
 * How short of processors some programs were: bounds in seconds hold for programs that get to run when they have
 * something to do. Linux tells how long each had to wait for a processor (`/proc/PID/schedstat`, second field, its main
 * thread); how late a timer of our own was tells it everywhere, and of a virtual machine that stood still.
 */
import { readFileSync } from 'node:fs';

export interface Shortage extends Disposable {
  /**
   * From one wall time to a later one, in milliseconds, less what the programs waited in sum for a processor: one does
   * its part after the other. A quarter counts in any case.
   */
  counted(from: number, to?: number): number;
  /** Of the whole time since the start, in words. */
  told(): string;
}

/** At a wall time: for how long they had waited until then, in milliseconds since any moment. */
export interface ShortageSample {
  readonly at: number;
  readonly waited: number;
}

const LOOK_EVERY_MS = 50;
const LEAST_COUNTED = 0.25;

/** Of these processes, as they are from moment to moment, and of this one. */
export function startShortage(pids: () => readonly number[] = () => []): Shortage {
  const samples: ShortageSample[] = [];
  const own = { late: 0, most: 0, lookedAt: performance.now() };
  let seen = new Map<number, number>();
  let waited = 0;
  const look = () => {
    const now = performance.now();
    const late = Math.max(0, now - own.lookedAt - LOOK_EVERY_MS);
    Object.assign(own, { late: own.late + late, most: Math.max(own.most, late), lookedAt: now });
    const present = new Map<number, number>();
    for (const pid of new Set([process.pid, ...pids()])) present.set(pid, waitedMs(pid));
    for (const [pid, ms] of present) waited += Math.max(0, ms - (seen.get(pid) ?? ms));
    seen = present;
    samples.push({ at: Date.now(), waited: Math.max(waited, own.late) });
  };
  look();
  const timer = setInterval(look, LOOK_EVERY_MS).unref();
  return {
    counted: (from, to = Date.now()) => {
      look();
      return countedMs(samples, from, to);
    },
    told: () => {
      look();
      const [first, last] = [samples[0]!, samples.at(-1)!];
      const part = (last.waited - first.waited) / Math.max(1, last.at - first.at);
      return `its programs waited for a processor for ${Math.round(100 * part)} % of the time in sum; the test was late by at most ${Math.round(own.most)} ms`;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/** The time from `from` to `to`, less what the samples say was waited in it, but not less than a quarter. */
export function countedMs(samples: readonly ShortageSample[], from: number, to: number): number {
  const waited = Math.max(0, waitedAt(samples, to) - waitedAt(samples, from));
  return to - from - Math.min(waited, (1 - LEAST_COUNTED) * Math.max(0, to - from));
}

/** Between two samples it is taken to have grown evenly. */
function waitedAt(samples: readonly ShortageSample[], at: number): number {
  const after = samples.findIndex((sample) => sample.at >= at);
  const [before, next] = [samples[after - 1], samples[after]];
  if (!next) return samples.at(-1)?.waited ?? 0;
  if (!before) return next.waited;
  return before.waited + ((next.waited - before.waited) * (at - before.at)) / (next.at - before.at);
}

/** Since its start; 0 where nobody tells, and of a process that is not there. */
function waitedMs(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6 || 0;
  } catch {
    return 0;
  }
}
