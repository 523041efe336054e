/**
 * The mark that a run of tests leaves on what it makes, so that the runner finds what outlived it (test/runner). The
 * mark is an entry of PATH, the one variable that every program of the tests passes on to what it starts. It names the
 * run and, within a test file, that file: `…:/spawner-test-run/<run>/<path of the file>`.
 */
const ROOT = '/spawner-test-run';

export interface Mark {
  run: string;
  /** The test file, from the root of the repository; undefined for what jest itself started. */
  file: string | undefined;
}

/** The PATH with the mark added; a mark that it has is kept, and the last one counts. */
export function markedPath(path: string, { run, file }: Mark): string {
  return `${path}:${ROOT}/${run}${file === undefined ? '' : `/${file}`}`;
}

/** The last mark of a PATH, or of a text of that form. */
export function markOf(path: string): Mark | undefined {
  const entry = path.split(':').findLast((each) => each.startsWith(`${ROOT}/`));
  if (entry === undefined) return undefined;
  const [run = '', ...file] = entry.slice(ROOT.length + 1).split('/');
  return { run, file: file.length === 0 ? undefined : file.join('/') };
}

/** The mark for a thing without an environment, such as a network device; empty outside of a run. */
export function presentMark(): string {
  const mark = markOf(process.env.PATH ?? '');
  return mark ? markedPath('', mark).slice(1) : '';
}
