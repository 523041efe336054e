import { TOO_BUSY } from '../../libs/testkit/src/time-bound.ts';
import type { FileResult, Status, TestResult } from './results.ts';
import {
  add,
  afterRepetition,
  closingLine,
  nothing,
  oneFailed,
  onePassed,
  tallyOf,
  unjudgedFiles,
} from './tally.ts';

const BUSY = `Error: ${TOO_BUSY}: the answer took 3 s\n    at somewhere`;

const test = (title: string, status: Status, ...messages: string[]): TestResult => ({
  title,
  status,
  messages,
});
const file = (path: string, ...tests: TestResult[]): FileResult => ({ path, tests, durationMs: 1 });

describe('the tally of a jest run', () => {
  it('counts what passed, failed and was skipped, and names the failures', () => {
    const tally = tallyOf(
      'unit',
      [
        file('a.test.ts', test('a1', 'passed'), test('a2', 'failed', 'Error: no'), test('a3', 'skipped')),
        file('b.test.ts', test('b1', 'passed'), test('b2', 'skipped')),
      ],
      1,
    );
    expect(closingLine(tally)).toBe('2 passed, 1 failed, 2 skipped');
    expect(tally.failures).toEqual(['unit: a2 (a.test.ts)']);
  });

  it('counts a file with a problem of its own as a failure, with the first line of it', () => {
    const broken = { ...file('broken.test.ts'), problem: 'Error: cannot load\n    at x' };
    const leaking = { ...file('leaking.test.ts', test('c', 'passed')), problem: 'redis-server runs on' };
    expect(tallyOf('unit', [broken, leaking], 1)).toEqual({
      passed: 1,
      failed: 2,
      skipped: 0,
      failures: ['unit: broken.test.ts: Error: cannot load', 'unit: leaking.test.ts: redis-server runs on'],
    });
  });

  it('counts a run without a test, and one of skipped tests alone, as a failure', () => {
    expect(tallyOf('e2e', [], 0)).toMatchObject({ failed: 1, failures: ['e2e: no test ran'] });
    expect(tallyOf('e2e', [file('a.test.ts', test('a', 'skipped'))], 0)).toMatchObject({
      failed: 1,
      skipped: 1,
    });
  });

  it('counts an exit code that nothing else explains as a failure', () => {
    const files = [file('a.test.ts', test('a', 'passed'))];
    expect(tallyOf('unit', files, 1).failures).toEqual(['unit: jest ended with 1']);
    expect(tallyOf('unit', files, null).failures).toEqual(['unit: jest ended with a signal']);
  });
});

describe('tests on a machine that was too busy to judge', () => {
  const first = [
    file('a.test.ts', test('a1', 'passed'), test('a2', 'failed', BUSY), test('a3', 'failed', BUSY)),
    file('b.test.ts', test('b1', 'failed', 'Error: no', BUSY)),
  ];

  it('are those that failed for nothing else', () => {
    expect(unjudgedFiles(first)).toEqual(['a.test.ts']);
  });

  it('count by their repetition, as passed, failed or not judged, and once each', () => {
    const again = [file('a.test.ts', test('a1', 'passed'), test('a2', 'passed'), test('a3', 'failed', BUSY))];
    const tally = tallyOf('idle', afterRepetition(first, again), 1);
    expect(closingLine(tally)).toBe('2 passed, 2 failed, 0 skipped');
    expect(tally.failures).toEqual([
      `idle: a3 (a.test.ts): could not be judged: Error: ${TOO_BUSY}: the answer took 3 s`,
      'idle: b1 (b.test.ts)',
    ]);
  });

  it('do not hide a failure of another test in either run, nor a test that the repetition lacks', () => {
    const mixed = [
      file('a.test.ts', test('a1', 'failed', 'Error: no'), test('a2', 'passed'), test('a3', 'failed', BUSY)),
    ];
    const again = [file('a.test.ts', test('a1', 'passed'), test('a2', 'failed', 'Error: now'))];
    expect(tallyOf('idle', afterRepetition(mixed, again), 1)).toMatchObject({ passed: 0, failed: 3 });
  });
});

describe('the sum of all', () => {
  it('adds up and keeps every failure', () => {
    const sum = add([onePassed, oneFailed('types'), { ...nothing, skipped: 3 }, onePassed]);
    expect(closingLine(sum)).toBe('2 passed, 1 failed, 3 skipped');
    expect(sum.failures).toEqual(['types']);
  });
});
