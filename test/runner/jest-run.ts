/** One run of jest in a process of its own, which ends even if a test leaves something open. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runCommand } from './command.ts';
import { type FileResult, readReport, SHOW_OPEN } from './results.ts';

export interface JestRun {
  root: string;
  /** A folder for jest's results. */
  dir: string;
  project: string;
  /** Only files whose path matches one of these. */
  patterns?: readonly string[];
  /** These files alone, one after the other. */
  files?: readonly string[];
  env: Record<string, string>;
  signal: AbortSignal;
  /** Whether jest shows what it does; default: yes. */
  show?: boolean;
}

export interface JestOutcome {
  files: FileResult[];
  exitCode: number | null;
  /** Why the run did not come to its end. */
  problem?: string;
}

const REPORTER = fileURLToPath(new URL('./reporter.mjs', import.meta.url));
const LONGEST_RUN_MS = 60 * 60_000;
const TO_EXIT_MS = 15_000;
/** Suites that start whole clusters or use every processor: two at a time would disturb each other. */
const ONE_BY_ONE = ['conformance', 'simulation', 'faults', 'idle', 'compose'];

export async function runJest({
  root,
  dir,
  project,
  patterns = [],
  files,
  env,
  signal,
  show = true,
}: JestRun): Promise<JestOutcome> {
  const report = join(dir, `${project}-${randomUUID()}.jsonl`);
  const stop = new AbortController();
  const serial = files !== undefined || ONE_BY_ONE.includes(project);
  const args = [
    ...[join('node_modules', 'jest', 'bin', 'jest.js'), '--selectProjects', project, '--passWithNoTests'],
    ...(show ? ['--reporters', 'default'] : []),
    ...['--reporters', REPORTER],
    serial ? '--runInBand' : '--maxWorkers=2',
    ...patterns.flatMap((pattern) => ['--testPathPatterns', pattern]),
    ...(files ? ['--runTestsByPath', ...files] : []),
  ];
  const over = new AbortController();
  const left = watch(report, over.signal, stop);
  const ended = runCommand(process.execPath, args, {
    cwd: root,
    env: { ...env, SPAWNER_TEST_REPORT: report },
    signal: AbortSignal.any([signal, stop.signal]),
    ask: SHOW_OPEN,
  });
  const exitCode = await ended.finally(() => over.abort());
  const problem = await left;
  const { files: results, complete } = await readReport(report);
  if (problem) return { files: results, exitCode: 0, problem };
  if (!complete)
    return { files: results, exitCode: 0, problem: `jest ended (${exitCode ?? 'killed'}) before its tests` };
  return { files: results, exitCode };
}

/** Ends jest if it runs for too long, or does not exit although its report is complete; resolves with the reason. */
async function watch(report: string, over: AbortSignal, stop: AbortController): Promise<string | undefined> {
  const deadline = performance.now() + LONGEST_RUN_MS;
  const pause = (ms: number) => wait(ms, undefined, { signal: over }).catch(() => undefined);
  while (!over.aborted) {
    await pause(500);
    const late = performance.now() > deadline;
    if (!late && !(await readReport(report)).complete) continue;
    if (!late) await pause(TO_EXIT_MS);
    if (over.aborted) return undefined;
    stop.abort();
    return late
      ? `took more than ${LONGEST_RUN_MS / 60_000} minutes`
      : 'a test left something open: jest did not exit';
  }
  return undefined;
}
