/** The count of a run of tests, in which a test that should have run and did not is a failure. */
import { TOO_BUSY } from '../../libs/testkit/src/time-bound.ts';
import type { FileResult, Status, TestResult } from './results.ts';

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  /** One line for each failure. */
  failures: string[];
}

export const nothing: Tally = { passed: 0, failed: 0, skipped: 0, failures: [] };

export const onePassed: Tally = { ...nothing, passed: 1 };

export function oneFailed(failure: string): Tally {
  return { ...nothing, failed: 1, failures: [failure] };
}

export function add(tallies: Tally[]): Tally {
  return tallies.reduce(
    (sum, tally) => ({
      passed: sum.passed + tally.passed,
      failed: sum.failed + tally.failed,
      skipped: sum.skipped + tally.skipped,
      failures: [...sum.failures, ...tally.failures],
    }),
    nothing,
  );
}

/** Whether the test failed only because the machine was too busy to judge a bound. */
export function isUnjudged({ status, messages }: TestResult): boolean {
  return status === 'failed' && messages.length > 0 && messages.every((text) => text.includes(TOO_BUSY));
}

/** The paths of the files in which a test was left unjudged. */
export function unjudgedFiles(files: readonly FileResult[]): string[] {
  return files.filter(({ tests }) => tests.some(isUnjudged)).map(({ path }) => path);
}

/**
 * The results after some files were repeated alone. The repetition decides on a test that was unjudged; a failure in
 * either run remains one.
 */
export function afterRepetition(first: readonly FileResult[], repeated: readonly FileResult[]): FileResult[] {
  return first.map((file) => {
    const second = repeated.find(({ path }) => path === file.path);
    if (!second) return file;
    const tests = file.tests.map((test, index): TestResult => {
      const again = second.tests[index]?.title === test.title ? second.tests[index] : undefined;
      if (test.status === 'failed' && !isUnjudged(test)) return test;
      if (!again) return { ...test, status: 'failed', messages: ['it did not run in the repetition'] };
      return again;
    });
    return { ...file, tests, problem: file.problem ?? second.problem };
  });
}

/**
 * Counts one run of jest that ended with this code. Failures beside failed tests are: a file with a problem of its own,
 * a run of no tests, and an exit code that nothing else explains.
 */
export function tallyOf(name: string, files: readonly FileResult[], exitCode: number | null): Tally {
  const tests = files.flatMap((file) => file.tests);
  const count = (status: Status) => tests.filter((test) => test.status === status).length;
  const failures = files.flatMap(({ path, tests: own, problem }) => {
    const failed = own.filter(({ status }) => status === 'failed');
    const lines = failed.map((test) => `${name}: ${test.title} (${path})${reasonOf(test)}`);
    if (problem === undefined) return lines;
    return [...lines, `${name}: ${path}: ${firstLine(problem)}`];
  });
  const passed = count('passed');
  if (passed + failures.length === 0) failures.push(`${name}: no test ran`);
  if (exitCode !== 0 && failures.length === 0)
    failures.push(`${name}: jest ended with ${exitCode ?? 'a signal'}`);
  return { passed, failed: failures.length, skipped: count('skipped'), failures };
}

function reasonOf(test: TestResult): string {
  return isUnjudged(test) ? `: could not be judged: ${firstLine(test.messages[0]!)}` : '';
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0]!.slice(0, 500);
}

/** The line with which every run ends. */
export function closingLine({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
