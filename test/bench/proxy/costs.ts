import { type ProcessorTime, processorTimeOf } from '../process-time.ts';
import { median, rounded } from '../statistics.ts';
import type { Target } from './targets.ts';
import type { Work } from './works.ts';

/** Medians of one target's cost for one unit of a work, in microseconds of processor time, and of its p99 in milliseconds. */
export interface Cost {
  user: number;
  system: number;
  all: number;
  p99Ms: number | undefined;
}

type Part = 'user' | 'system' | 'all';

interface Sample extends ProcessorTime {
  p99Ms: number | undefined;
}

/** Collects what each work costs each target. */
export class Costs {
  readonly #samples = new Map<string, Sample[]>();

  /** Loads the target once and adds what it cost. */
  async measure(work: Work, target: Target, seconds: number): Promise<void> {
    const before = timeOf(target);
    const { done, p99Ms } = await work.load(target, seconds);
    const after = timeOf(target);
    const each = (part: keyof ProcessorTime) => ((after[part] - before[part]) * 1_000) / done;
    const samples = this.#of(work, target);
    samples.push({ user: each('user'), system: each('system'), p99Ms });
  }

  of(work: Work, target: Target): Cost {
    const samples = this.#of(work, target);
    const p99 = samples.flatMap(({ p99Ms }) => (p99Ms === undefined ? [] : [p99Ms]));
    return {
      user: median(samples.map(({ user }) => user)),
      system: median(samples.map(({ system }) => system)),
      all: median(samples.map(allOf)),
      p99Ms: p99.length === 0 ? undefined : median(p99),
    };
  }

  /** How many times the cost of `other` the target has, as the median over rounds; NaN if there are none. */
  ratio(work: Work, target: Target, other: Target, part: Part): number {
    const others = this.#of(work, other);
    return median(
      this.#of(work, target).map((sample, round) => partOf(sample, part) / partOf(others[round], part)),
    );
  }

  /** The cheapest and the dearest round. */
  spread(work: Work, target: Target): string {
    const all = this.#of(work, target).map(allOf);
    return `${rounded(Math.min(...all), 2)}–${rounded(Math.max(...all), 2)}`;
  }

  #of(work: Work, target: Target): Sample[] {
    const key = `${work.name}\n${target.name}`;
    const samples = this.#samples.get(key) ?? [];
    this.#samples.set(key, samples);
    return samples;
  }
}

function allOf({ user, system }: ProcessorTime): number {
  return user + system;
}

function partOf(sample: Sample | undefined, part: Part): number {
  if (!sample) return Number.NaN;
  return part === 'all' ? allOf(sample) : sample[part];
}

function timeOf({ pids }: Target): ProcessorTime {
  const times = pids.map(processorTimeOf);
  const sum = (part: keyof ProcessorTime) => times.reduce((total, time) => total + time[part], 0);
  return { user: sum('user'), system: sum('system') };
}

/** The name of a figure: lower case, words joined by underscores. */
export function figureName(...words: string[]): string {
  return words
    .join(' ')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_');
}
