import { type ChildProcess, fork } from 'node:child_process';

export interface Range {
  from: number;
  count: number;
  mutation?: string;
  /** Stop at the first failure. */
  untilFailure?: boolean;
}

export interface Failure {
  seed: number;
  violation: string;
}

/** What a worker says: after each seed, and at its end. */
export type Word = { seed: number; violation?: string; hash: string; processorMs: number };

export interface Result {
  done: number;
  processorMs: number;
  failures: Failure[];
  /** Of the whole trace of each seed. */
  hashes: Map<number, string>;
}

const WORKERS = 2;
/** What a seed makes is gone before it would be looked at a second time. */
const NEW_SPACE = ['--min-semi-space-size=64', '--max-semi-space-size=64'];
const WORKER = new URL('./worker.ts', import.meta.url);

/** Runs the worlds of a range of seeds in two processes, each taking every other one. Rejects when a worker dies. */
export async function simulateMany({ from, count, mutation, untilFailure = false }: Range): Promise<Result> {
  const result: Result = { done: 0, processorMs: 0, failures: [], hashes: new Map() };
  const children: ChildProcess[] = [];
  const heard = ({ seed, violation, hash, processorMs }: Word) => {
    result.hashes.set(seed, hash);
    result.done++;
    result.processorMs += processorMs;
    if (violation === undefined) return;
    result.failures.push({ seed, violation });
    if (untilFailure) for (const child of children) child.kill();
  };
  const ends = Array.from({ length: Math.min(WORKERS, count) }, (_, index) => {
    const job = JSON.stringify({ from: from + index, to: from + count, step: WORKERS, mutation });
    const child = fork(WORKER, [job], { execArgv: NEW_SPACE });
    children.push(child);
    return new Promise<void>((resolve, reject) => {
      child.on('message', (word) => heard(word as Word));
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        if (code === 0 || (untilFailure && result.failures.length > 0)) resolve();
        else reject(new Error(`a worker of the simulation ended with ${code ?? signal}`));
      });
    });
  });
  await Promise.all(ends);
  result.failures.sort((a, b) => a.seed - b.seed);
  return result;
}
