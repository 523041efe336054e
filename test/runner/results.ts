/** The results of one project, as the reporter (reporter.mjs) writes them: one line of JSON for each test file. */
import { readFile } from 'node:fs/promises';

export type Status = 'passed' | 'failed' | 'skipped';

export interface TestResult {
  title: string;
  status: Status;
  /** Why it failed. */
  messages: string[];
}

export interface FileResult {
  /** From the root of the repository. */
  path: string;
  tests: TestResult[];
  /** Why the file failed beside its tests: it could not be loaded, or left something behind. */
  problem?: string;
  durationMs: number;
}

/** Before it ends a jest that does not exit, the runner sends this signal: jest writes what keeps it running. */
export const SHOW_OPEN = 'SIGUSR2';

/** The last line of a complete report. */
export const END = 'end';

export interface Report {
  files: FileResult[];
  /** Whether jest came to the end of the run. */
  complete: boolean;
}

/** Resolves with what has been written so far, which is empty if there is no such file. */
export async function readReport(file: string): Promise<Report> {
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
  const complete = lines.at(-1) === END;
  const files = lines.filter((line) => line !== END).flatMap((line) => parsed(line));
  return { files, complete };
}

/** A process that was killed may leave half a line. */
function parsed(line: string): FileResult[] {
  try {
    return [JSON.parse(line) as FileResult];
  } catch {
    return [];
  }
}
