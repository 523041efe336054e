/**
 * Bounds in seconds on a machine that other work may keep busy. A bound holds by the wall clock. If a program concerned
 * had to wait for a processor, the bound grows by that wait, by a quarter at most. Beyond that the machine was too busy
 * to judge: the test runner repeats the test alone at the end of the run.
 */
import { watchProcessorWait } from './processor-wait.ts';

export interface TimeBound {
  /** The subject of the message, such as `the end of b-1`. */
  what: string;
  /** Wall times; `to` is now by default. */
  from: number;
  to?: number;
  boundMs: number;
}

export type Verdict = 'met' | 'missed' | 'unjudged';

export interface TimeJudge extends Disposable {
  verdict(bound: TimeBound): Verdict;
  /** Throws if the bound is missed; fails the present test at its end if the machine was too busy to judge. */
  expect(bound: TimeBound): void;
  /** How long the programs waited for a processor so far, as a phrase. */
  summary(): string;
}

/** Below this share of the time the wall clock alone decides. */
const NOTABLE_SHARE = 0.1;
/** So much of a bound may be added to it, at most. */
const LARGEST_ALLOWANCE = 0.25;

export const TOO_BUSY = 'the machine was too busy to judge';
const unjudged: string[] = [];

/** Judges bounds on what this process and those of `pids` do together. */
export function startTimeJudge(pids: () => readonly number[] = () => []): TimeJudge {
  const wait = watchProcessorWait(pids);
  const judged = ({ what, from, to = Date.now(), boundMs }: TimeBound) => {
    const [elapsedMs, waitedMs] = [to - from, wait.longest(from, to)];
    const words = `${what} took ${Math.round(elapsedMs)} ms of ${boundMs} ms allowed, while a program waited ${Math.round(waitedMs)} ms for a processor`;
    return { verdict: verdictOn({ elapsedMs, waitedMs, boundMs }), words };
  };
  return {
    verdict: (bound) => judged(bound).verdict,
    expect: (bound) => {
      const { verdict, words } = judged(bound);
      if (verdict === 'missed') throw new Error(words);
      if (verdict === 'unjudged') leaveUnjudged(words);
    },
    summary: () =>
      `the program that waited longest for a processor did so for ${Math.round(100 * wait.largestShare())} % of the time`,
    [Symbol.dispose]: () => wait[Symbol.dispose](),
  };
}

/** Fails the present test at its end, not at once: a later test may build on the state that it leaves. */
export function leaveUnjudged(words: string): void {
  unjudged.push(words);
}

/** Throws if something was left unjudged since the last call. Every test calls it at its end (test/runner/each-test.ts). */
export function failIfUnjudged(): void {
  const found = unjudged.splice(0);
  if (found.length > 0) throw new Error(`${TOO_BUSY}: ${found.join('; ')}`);
}

export function verdictOn(times: { elapsedMs: number; waitedMs: number; boundMs: number }): Verdict {
  const { elapsedMs, waitedMs, boundMs } = times;
  if (elapsedMs < boundMs) return 'met';
  if (waitedMs < NOTABLE_SHARE * elapsedMs) return 'missed';
  const allowance = Math.min(waitedMs, LARGEST_ALLOWANCE * boundMs);
  return elapsedMs - allowance < boundMs ? 'met' : 'unjudged';
}
