import { type ChildProcess, fork } from 'node:child_process';
import type { Outcome } from './simulate.ts';
import { added, type Counts } from './world/coverage.ts';
import type { InvariantName } from './world/invariants.ts';

export interface Range {
  from: number;
  count: number;
  mutation?: string;
  /** Judge this invariant alone, and stop at its first violation. */
  until?: InvariantName;
}

export interface Failure {
  seed: number;
  invariant: InvariantName;
  message: string;
}

type Lived = Pick<Outcome, 'seed' | 'hash' | 'counts' | 'violation'> & { processorMs: number };
/** A worker's report on one seed. An error is a fault of the harness or of a script. */
export type Report = Lived | { seed: number; error: string };
/** The part of a job that all seeds of a worker share. */
export type Job = Pick<Range, 'mutation' | 'until'>;

export interface Result {
  done: number;
  processorMs: number;
  failures: Failure[];
  counts: Counts;
  /** The hash of the whole trace of each seed. */
  hashes: Map<number, string>;
}

const WORKERS = 2;
/** A seed's garbage dies in the young generation, if that is large enough. */
const NEW_SPACE = ['--min-semi-space-size=64', '--max-semi-space-size=64'];
const WORKER = new URL('./worker.ts', import.meta.url);

/**
 * Runs the worlds of a range of seeds in two processes. Each gets the next seed when it has ended one, so that both end
 * together. Rejects when a run ends as an error: a worker died, or a seed met a fault of the harness or of a script.
 */
export async function simulateMany({ from, count, mutation, until }: Range): Promise<Result> {
  const result: Result = { done: 0, processorMs: 0, failures: [], counts: {}, hashes: new Map() };
  const children: ChildProcess[] = [];
  let broken: Error | undefined;
  let found = false;
  const stop = () => children.forEach((child) => void child.kill());
  const heard = (report: Report) => {
    if ('error' in report) {
      broken ??= new Error(`seed ${report.seed} ended as an error: ${report.error}`);
      return stop();
    }
    const { seed, hash, violation, counts, processorMs } = report;
    result.hashes.set(seed, hash);
    result.done++;
    result.processorMs += processorMs;
    result.counts = added(result.counts, counts);
    if (!violation) return;
    result.failures.push({ seed, ...violation });
    found ||= violation.invariant === until;
    if (found) stop();
  };
  let next = from;
  const ends = Array.from({ length: Math.min(WORKERS, count) }, () => {
    const job: Job = { mutation, until };
    const child = fork(WORKER, [JSON.stringify(job)], { execArgv: NEW_SPACE });
    children.push(child);
    return new Promise<void>((resolve, reject) => {
      child.on('message', (said: Report | 'ready') => {
        if (said !== 'ready') heard(said);
        if (broken || found) return;
        if (next < from + count) child.send(next++);
        else child.disconnect();
      });
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        if (code === 0 || found || broken) resolve();
        else reject(new Error(`a worker of the simulation ended with ${code ?? signal}`));
      });
    });
  });
  await Promise.all(ends);
  if (broken) throw broken;
  result.failures.sort((a, b) => a.seed - b.seed);
  return result;
}
