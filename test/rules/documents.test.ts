import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingFrom, treeOf } from './documents.ts';
import { filesUnder } from './prose-files.ts';
import { root, sources } from './sources.ts';

const read = (path: string) => ({ path, text: readFileSync(join(root, path), 'utf8') });

const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
}).split('\n');
const proto = filesUnder(['proto']).map(read);
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};
const tree = treeOf(
  tracked.filter((path) => existsSync(join(root, path))),
  [...sources(), ...proto],
  Object.keys(scripts),
);

describe('documents', () => {
  const documents = tracked.filter((path) => path.endsWith('.md') && path !== 'CHANGELOG.md');

  it.each(documents)('%s names only files, symbols, variables and commands that exist', (path) => {
    expect(missingFrom(tree, read(path))).toEqual([]);
  });
});

describe('the rule', () => {
  const small = treeOf(
    ['services/proxy/src/edge/policy.ts', 'docs/redis.md'],
    [{ path: 'a.ts', text: "class EdgeProxy {}\nconst name = 'SPAWNER_SECRET';" }],
    ['up'],
  );
  const missing = (text: string) =>
    missingFrom(small, { path: 'a.md', text }).map((line) => line.split(' names ')[1]);

  it('finds a file, a folder, a symbol, a variable and a command that do not exist', () => {
    expect(missing('`edge/gate.ts` `libs/gone` `EdgeDoor` `SPAWNER_GONE` `npm run -s gone`')).toEqual([
      'a file that does not exist: edge/gate.ts',
      'a folder that does not exist: libs/gone',
      'a symbol that does not exist: EdgeDoor',
      'a variable that does not exist: SPAWNER_GONE',
      'a command that does not exist: npm run -s gone',
    ]);
  });

  it('accepts the end of a path, a placeholder, and everything that is no name', () => {
    expect(
      missing('`edge/policy.ts` `services/<name>/src/edge/policy.ts` `EdgeProxy` `npm run up` `410` `a b`'),
    ).toEqual([]);
  });
});
