import { add, closingLine, type JestResult, nothing, oneFailed, onePassed, tallyOf } from './tally.ts';

const file = (name: string, status: string, ...tests: string[]) => ({
  name,
  status,
  assertionResults: tests.map((test) => ({ status: test, fullName: `it ${test}` })),
});
const result = (...testResults: JestResult['testResults']): JestResult => {
  const count = (status: string) =>
    testResults.flatMap((each) => each.assertionResults).filter((test) => test.status === status).length;
  return {
    numPassedTests: count('passed'),
    numFailedTests: count('failed'),
    numPendingTests: count('pending'),
    numTodoTests: count('todo'),
    testResults,
  };
};

describe('the tally of a jest run', () => {
  it('counts what passed, failed and was skipped, and names the failures', () => {
    const tally = tallyOf(
      'unit',
      result(
        file('/a.test.ts', 'failed', 'passed', 'failed', 'todo'),
        file('/b.test.ts', 'passed', 'passed', 'pending'),
      ),
      1,
    );
    expect(closingLine(tally)).toBe('2 passed, 1 failed, 2 skipped');
    expect(tally.failures).toEqual(['unit: it failed (/a.test.ts)']);
  });

  it('counts a file that could not run as a failure', () => {
    const tally = tallyOf(
      'unit',
      result(file('/a.test.ts', 'passed', 'passed'), file('/broken.test.ts', 'failed')),
      1,
    );
    expect(tally).toMatchObject({ passed: 1, failed: 1, failures: ['unit: /broken.test.ts could not run'] });
  });

  it('takes a run of no tests, of skipped tests alone, or without a result for a failure', () => {
    expect(tallyOf('e2e', result(), 0)).toMatchObject({
      passed: 0,
      failed: 1,
      failures: ['e2e: no test ran'],
    });
    expect(tallyOf('e2e', result(file('/a.test.ts', 'passed', 'pending')), 0)).toMatchObject({
      failed: 1,
      skipped: 1,
    });
    expect(tallyOf('e2e', undefined, 134).failures).toEqual(['e2e: jest ended (134) without a result']);
    expect(tallyOf('e2e', undefined, null).failures).toEqual(['e2e: jest ended (killed) without a result']);
  });

  it('does not let a bad exit code pass in silence', () => {
    expect(tallyOf('unit', result(file('/a.test.ts', 'passed', 'passed')), 1).failures).toEqual([
      'unit: jest ended with 1',
    ]);
  });
});

describe('the sum of all', () => {
  it('adds up and keeps every failure', () => {
    const sum = add([onePassed, oneFailed('types'), { ...nothing, skipped: 3 }, onePassed]);
    expect(closingLine(sum)).toBe('2 passed, 1 failed, 3 skipped');
    expect(sum.failures).toEqual(['types']);
  });
});
