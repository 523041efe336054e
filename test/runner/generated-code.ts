/**
 * Whether the committed generated code is what `npm run generate` makes now. It runs in a copy of the few files that
 * it reads, so the working tree is never touched.
 */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { runCommand } from './command.ts';

const GENERATED = 'libs/proto/src/gen';
const READ_BY_BUF = ['package.json', 'buf.yaml', 'buf.gen.yaml', 'proto'];

/** Resolves with one line for each file that differs, none when all is clean; rejects when generating fails. */
export async function generatedDifferences(root: string): Promise<string[]> {
  const copy = await mkdtemp(join(tmpdir(), 'spawner-generate-'));
  try {
    for (const path of READ_BY_BUF) await cp(join(root, path), join(copy, path), { recursive: true });
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
    await mkdir(join(copy, GENERATED), { recursive: true });
    const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      scripts: { generate: string };
    };
    const code = await runCommand('sh', ['-c', scripts.generate], { cwd: copy });
    if (code !== 0) throw new Error(`\`${scripts.generate}\` ended with ${code}`);
    return await differences(join(root, GENERATED), join(copy, GENERATED));
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

async function differences(committed: string, fresh: string): Promise<string[]> {
  const [before, after] = [await files(committed), await files(fresh)];
  const found: string[] = [];
  for (const path of [...new Set([...before, ...after])].sort()) {
    const name = join(GENERATED, path);
    if (!after.has(path)) found.push(`${name} is not generated any more`);
    else if (!before.has(path)) found.push(`${name} is missing`);
    else if (!(await same(join(committed, path), join(fresh, path)))) found.push(`${name} is out of date`);
  }
  return found;
}

async function files(folder: string): Promise<Set<string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return new Set(
    entries.filter((each) => each.isFile()).map((each) => relative(folder, join(each.parentPath, each.name))),
  );
}

async function same(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([readFile(a), readFile(b)]);
  return left.equals(right);
}
