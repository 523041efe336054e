/** A jest reporter: appends each file's results to SPAWNER_TEST_REPORT as soon as they are known (results.ts). */
import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';

const STATUS = { passed: 'passed', failed: 'failed' };

export default class Reporter {
  #file = process.env.SPAWNER_TEST_REPORT;

  onTestFileResult(_, { testFilePath, testResults, testExecError, perfStats }) {
    const tests = testResults.map(({ fullName, status, failureMessages }) => ({
      title: fullName,
      status: STATUS[status] ?? 'skipped',
      messages: failureMessages ?? [],
    }));
    const path = relative(process.cwd(), testFilePath);
    const problem = testExecError && String(testExecError.stack || testExecError.message || testExecError);
    this.#append(JSON.stringify({ path, tests, problem, durationMs: perfStats?.runtime ?? 0 }));
  }

  onRunComplete() {
    this.#append('end');
  }

  #append(line) {
    if (this.#file) appendFileSync(this.#file, `${line}\n`);
  }
}
