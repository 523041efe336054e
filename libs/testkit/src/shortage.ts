/**
 * How short of processors the machine was while tests ran: bounds in seconds hold for a machine that gets to run what
 * it is given. Linux tells how long something runnable had to wait (`/proc/pressure/cpu`); how late a timer of our own
 * was tells it everywhere, and of a virtual machine that stood still.
 */
import { readFileSync } from 'node:fs';

export interface Shortage extends Disposable {
  /**
   * From one wall time to a later one, in milliseconds, of which those in which something waited for a processor count
   * a quarter: then all that is done takes several times as long.
   */
  counted(from: number, to?: number): number;
  /** Of the whole time since the start, in words. */
  told(): string;
}

/** At a wall time: for how long something had waited until then, in milliseconds since any moment. */
export interface ShortageSample {
  readonly at: number;
  readonly waited: number;
}

const LOOK_EVERY_MS = 50;
const SHORT_COUNTS = 0.25;

export function startShortage(): Shortage {
  const samples: ShortageSample[] = [];
  const own = { late: 0, most: 0, lookedAt: performance.now() };
  const pressure = waitedMs();
  const look = () => {
    const now = performance.now();
    const late = Math.max(0, now - own.lookedAt - LOOK_EVERY_MS);
    Object.assign(own, { late: own.late + late, most: Math.max(own.most, late), lookedAt: now });
    const told = pressure === undefined ? 0 : (waitedMs() ?? pressure) - pressure;
    samples.push({ at: Date.now(), waited: Math.max(told, own.late, samples.at(-1)?.waited ?? 0) });
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
      return `something waited for a processor in ${Math.round(100 * part)} % of the time; this process was late by at most ${Math.round(own.most)} ms`;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/** The time from `from` to `to`, less three quarters of what the samples say was waited in it. */
export function countedMs(samples: readonly ShortageSample[], from: number, to: number): number {
  const waited = Math.min(to - from, waitedAt(samples, to) - waitedAt(samples, from));
  return to - from - (1 - SHORT_COUNTS) * Math.max(0, waited);
}

/** Between two samples it is taken to have grown evenly. */
function waitedAt(samples: readonly ShortageSample[], at: number): number {
  const after = samples.findIndex((sample) => sample.at >= at);
  const [before, next] = [samples[after - 1], samples[after]];
  if (!next) return samples.at(-1)?.waited ?? 0;
  if (!before) return next.waited;
  return before.waited + ((next.waited - before.waited) * (at - before.at)) / (next.at - before.at);
}

/** Since boot; nothing where the kernel does not count it. */
function waitedMs(): number | undefined {
  try {
    const total = /^some .*total=(\d+)/m.exec(readFileSync('/proc/pressure/cpu', 'utf8'))?.[1];
    return total === undefined ? undefined : Number(total) / 1_000;
  } catch {
    return undefined;
  }
}
