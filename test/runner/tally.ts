/** What a run of tests amounts to. Whatever should have run and did not counts as a failure. */

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  /** One line for each failure. */
  failures: string[];
}

/** As much of jest's `--json` result as is counted. */
export interface JestResult {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: {
    name: string;
    status: string;
    assertionResults: { status: string; fullName: string }[];
  }[];
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

/**
 * Counts one jest run: `result` is undefined where jest left none. A file that failed without a failed test (it could
 * not be loaded, or a hook threw) is a failure; so are a run of no tests, and an exit code that nothing else explains.
 */
export function tallyOf(name: string, result: JestResult | undefined, exitCode: number | null): Tally {
  if (!result) return oneFailed(`${name}: jest ended (${exitCode ?? 'killed'}) without a result`);
  const tests = result.testResults.flatMap((file) => {
    const failed = file.assertionResults.filter(({ status }) => status === 'failed');
    if (file.status === 'failed' && failed.length === 0) return [`${name}: ${file.name} could not run`];
    return failed.map(({ fullName }) => `${name}: ${fullName} (${file.name})`);
  });
  const ran = result.numPassedTests + result.numFailedTests;
  const rest = ran === 0 && tests.length === 0 ? [`${name}: no test ran`] : [];
  const silent =
    exitCode !== 0 && tests.length + rest.length === 0 ? [`${name}: jest ended with ${exitCode}`] : [];
  const failures = [...tests, ...rest, ...silent];
  return {
    passed: result.numPassedTests,
    failed: failures.length,
    skipped: result.numPendingTests + result.numTodoTests,
    failures,
  };
}

/** The line with which every run ends. */
export function closingLine({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
