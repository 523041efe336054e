import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempDir } from '@spawner/testkit';
import { runJest } from './jest-run.ts';

const CONFIG = `export default { projects: [{ displayName: 'unit', testMatch: ['<rootDir>/*.test.js'] }] };`;

/** Runs these test files in a tree of their own. */
async function run(files: Record<string, string>, only?: string[]) {
  await using dir = await tempDir('jest-run');
  const root = join(dir.path, 'tree');
  await mkdir(root);
  await symlink(join(process.cwd(), 'node_modules'), join(root, 'node_modules'));
  await writeFile(join(root, 'jest.config.mjs'), CONFIG);
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, name), text);
  const { signal } = new AbortController();
  const outcome = await runJest({
    root,
    dir: dir.path,
    project: 'unit',
    files: only,
    env: {},
    signal,
    show: false,
  });
  return { ...outcome, files: outcome.files.toSorted((a, b) => (a.path < b.path ? -1 : 1)) };
}

describe('a run of jest', () => {
  it('reports every file with its tests, and the code with which jest ended', async () => {
    const outcome = await run({
      'a.test.js': `it('one', () => {}); it('two', () => { throw new Error('no') }); it['skip']('three', () => {});`,
      'b.test.js': `throw new Error('cannot load')`,
    });
    expect([outcome.exitCode, outcome.problem]).toEqual([1, undefined]);
    expect(outcome.files).toMatchObject([
      {
        path: 'a.test.js',
        tests: [
          { title: 'one', status: 'passed', messages: [] },
          { title: 'two', status: 'failed', messages: [expect.stringContaining('Error: no')] },
          { title: 'three', status: 'skipped' },
        ],
      },
      { path: 'b.test.js', tests: [], problem: expect.stringContaining('cannot load') },
    ]);
  });

  it('runs given files alone', async () => {
    const passing = `it('one', () => {})`;
    const outcome = await run({ 'a.test.js': passing, 'b.test.js': passing }, ['b.test.js']);
    expect(outcome).toMatchObject({ exitCode: 0, files: [{ path: 'b.test.js' }] });
  });

  it('keeps the results of the files before a crash', async () => {
    // jest begins with the largest file.
    const outcome = await run(
      {
        'a.test.js': `it('one', () => {}) // ${'x'.repeat(1_000)}`,
        'b.test.js': `it('two', () => process.kill(process.pid, 9))`,
      },
      ['a.test.js', 'b.test.js'],
    );
    expect(outcome.problem).toBe('jest ended (killed) before its tests');
    expect(outcome.files).toMatchObject([{ path: 'a.test.js', tests: [{ title: 'one', status: 'passed' }] }]);
  });
});
