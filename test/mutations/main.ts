/**
 * `npm run mutants [-- WORD]`: tries each deliberate fault (mutations.ts), or those whose name has the word, in a copy of
 * the tree. The test that is to catch it must pass without the fault and fail with it; exits with 1 otherwise.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { type TempDir, tempDir } from '@spawner/testkit';
import { type FileResult, readReport } from '../runner/results.ts';
import { MUTATIONS, type Mutation, mutated } from './mutations.ts';

/** A test that waits without end for the fault fails after this time. */
const LIMIT_MS = '150000';
/** Several such tests may come one after the other. */
const LONGEST_MS = 10 * 60_000;

const ROOT = join(import.meta.dirname, '..', '..');
const [word = ''] = process.argv.slice(2);
const chosen = MUTATIONS.filter(({ name }) => name.includes(word));
if (chosen.length === 0) {
  console.error(
    `no fault has ${word} in its name; there are:\n${MUTATIONS.map(({ name }) => name).join('\n')}`,
  );
  process.exit(2);
}

await using dir = await tempDir('mutants');
copyTree(dir);
const sound = new Map<string, boolean>();
let missed = 0;
for (const mutation of chosen) {
  const verdict = await tried(mutation);
  if (verdict !== 'caught') missed += 1;
  console.log(`${verdict}: ${mutation.name} (${mutation.test})`);
}
console.log(`${chosen.length - missed} of ${chosen.length} deliberate faults are caught`);
process.exitCode = missed === 0 ? 0 : 1;

async function tried(mutation: Mutation): Promise<string> {
  const file = join(dir.path, mutation.file);
  const source = readFileSync(file, 'utf8');
  const withFault = mutated(source, mutation);
  if (!sound.has(mutation.test)) sound.set(mutation.test, passes(await results(mutation)));
  if (!sound.get(mutation.test)) return 'NOT TRIED, since the test fails without the fault';
  writeFileSync(file, withFault);
  try {
    const found = await results(mutation);
    const failed = found.flatMap(({ tests }) => tests.filter(({ status }) => status === 'failed'));
    return failed.length > 0 ? 'caught' : 'MISSED';
  } finally {
    writeFileSync(file, source);
  }
}

function passes(found: readonly FileResult[]): boolean {
  const tests = found.flatMap((each) => each.tests);
  return tests.length > 0 && tests.every(({ status }) => status === 'passed');
}

async function results({ project, test }: Mutation): Promise<FileResult[]> {
  const report = join(dir.path, `report-${performance.now()}.jsonl`);
  const jest = join('node_modules', 'jest', 'bin', 'jest.js');
  const reporter = join(dir.path, 'test', 'runner', 'reporter.mjs');
  const args = [jest, '--selectProjects', project, '--runInBand', '--forceExit', '--reporters', reporter];
  const { status, stderr, stdout } = spawnSync(process.execPath, [...args, '--runTestsByPath', test], {
    cwd: dir.path,
    env: { ...process.env, SPAWNER_TEST_REPORT: report, SPAWNER_TEST_LIMIT_MS: LIMIT_MS },
    encoding: 'utf8',
    timeout: LONGEST_MS,
  });
  const { files, complete } = await readReport(report);
  if (!complete) throw new Error(`jest ended with ${status} before its tests:\n${stdout}${stderr}`);
  return files;
}

/** Copies the checkout's files; packages of others stay where they are, those of this repository are the copy's own. */
function copyTree({ path }: TempDir): void {
  const { stdout } = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 1e8,
  });
  for (const file of stdout.split('\0').filter((name) => name !== '')) {
    mkdirSync(dirname(join(path, file)), { recursive: true });
    cpSync(join(ROOT, file), join(path, file));
  }
  const modules = join(path, 'node_modules');
  mkdirSync(join(modules, '@spawner'), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    if (name !== '@spawner') symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  for (const name of readdirSync(join(ROOT, 'node_modules', '@spawner'))) {
    const target = relative(ROOT, realpathSync(join(ROOT, 'node_modules', '@spawner', name)));
    symlinkSync(join(path, target), join(modules, '@spawner', name));
  }
}
