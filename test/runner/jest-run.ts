/** One project of jest.config.mjs in a process of its own, with an end even if a test leaves something open. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { runCommand } from './command.ts';
import { add, type JestResult, nothing, oneFailed, type Tally, tallyOf } from './tally.ts';

export interface JestRun {
  root: string;
  /** Where jest's result is kept. */
  dir: string;
  project: string;
  /** Only files whose path matches one of these. */
  patterns: string[];
  env: Record<string, string>;
  signal: AbortSignal;
}

const LONGEST_RUN_MS = 60 * 60_000;
const TO_EXIT_MS = 15_000;
/** Suites which start whole clusters, or take every processor themselves, would only be in each other's way. */
const ONE_BY_ONE = ['conformance', 'simulation', 'faults', 'idle', 'compose'];

export async function runJest({ root, dir, project, patterns, env, signal }: JestRun): Promise<Tally> {
  const resultFile = join(dir, `${project}.json`);
  const stop = new AbortController();
  const args = [
    ...[join('node_modules', 'jest', 'bin', 'jest.js'), '--selectProjects', project, '--passWithNoTests'],
    ...[
      '--json',
      '--outputFile',
      resultFile,
      ONE_BY_ONE.includes(project) ? '--runInBand' : '--maxWorkers=2',
    ],
    ...patterns.flatMap((pattern) => ['--testPathPatterns', pattern]),
  ];
  const over = new AbortController();
  const left = watch(resultFile, over.signal, stop);
  const ended = runCommand(process.execPath, args, {
    cwd: root,
    env,
    signal: AbortSignal.any([signal, stop.signal]),
  });
  const code = await ended.finally(() => over.abort());
  const problem = await left;
  const tally = tallyOf(project, await readResult(resultFile), problem ? 0 : code);
  return add([tally, problem ? oneFailed(`${project}: ${problem}`) : nothing]);
}

/** Ends jest when it runs for too long, or does not exit although its result is there; resolves with which it was, if any. */
async function watch(
  resultFile: string,
  over: AbortSignal,
  stop: AbortController,
): Promise<string | undefined> {
  const deadline = performance.now() + LONGEST_RUN_MS;
  const pause = (ms: number) => wait(ms, undefined, { signal: over }).catch(() => undefined);
  while (!over.aborted) {
    await pause(500);
    const late = performance.now() > deadline;
    if (!late && !(await readResult(resultFile))) continue;
    if (!late) await pause(TO_EXIT_MS);
    if (over.aborted) return undefined;
    stop.abort();
    return late
      ? `took more than ${LONGEST_RUN_MS / 60_000} minutes`
      : 'a test left something open: jest did not exit';
  }
  return undefined;
}

async function readResult(file: string): Promise<JestResult | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as JestResult;
  } catch {
    return undefined;
  }
}
