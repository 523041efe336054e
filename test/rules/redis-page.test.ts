/** docs/redis.md describes the data model; the catalogue, the deadlines and the scripts in code say whether it is true. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CATALOGUE, DUE, ROWS, SCRIPTS } from '@spawner/store';
import { root } from './sources.ts';

const page = readFileSync(join(root, 'docs/redis.md'), 'utf8');

/** The cells of a table's rows, by the heading above the table. */
function table(heading: string): string[][] {
  const section = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return section
    .split('\n')
    .filter((line) => /^\| `/.test(line))
    .map((line) => line.slice(1, -1).split('|'))
    .map((cells) => cells.map((cell) => cell.trim()));
}

const unquoted = (cell: string | undefined) => (cell ?? '').replaceAll('`', '');
const constantOf = (key: string) => key.replaceAll(/[A-Z]/g, '_$&').toUpperCase();

/** The keys that a script names: each constant, or a prefix with an id and the constant behind it. */
function keysIn(source: string): string[] {
  const code = source
    .replaceAll(/--.*$/gm, '')
    .split('\n')
    .filter((line) => !/^local [A-Z_]+ =/.test(line))
    .join('\n');
  const uses = [...code.matchAll(/\b[A-Z][A-Z_]+\b(?: \.\. [\w[\]]+ \.\. ([A-Z]+)\b)?/g)].map(
    ([text, behind = '']) => [text.split(' ')[0], behind],
  );
  return Object.entries(CATALOGUE)
    .filter(([key, { pattern }]) =>
      uses.some(([constant, behind]) =>
        pattern.includes('>:')
          ? behind === constantOf(key)
          : constant === constantOf(key) && !SUFFIXES.includes(behind ?? ''),
      ),
    )
    .map(([, { pattern }]) => pattern);
}

const SUFFIXES = Object.entries(CATALOGUE).flatMap(([key, { pattern }]) =>
  pattern.includes('>:') ? [constantOf(key)] : [],
);

describe('docs/redis.md', () => {
  it('lists every key with its type and its one writer', () => {
    expect(table('Keys').map(([key, type, writer]) => [unquoted(key), type, writer])).toEqual(
      Object.values(CATALOGUE).map(({ pattern, type, writer }) => [pattern, type, writer]),
    );
  });

  it('lists every kind of deadline and of row', () => {
    const kinds = (heading: string) => table(heading).map(([entry]) => unquoted(entry).replace(/<.*/, ''));
    expect(kinds('Deadlines').sort()).toEqual(Object.values(DUE).sort());
    expect(kinds('Rows of the route table').sort()).toEqual(['', ...Object.values(ROWS)].sort());
  });

  it('says which keys each script uses', () => {
    const used = Object.values(SCRIPTS)
      .map(
        ({ name, source }) =>
          `\`${name}\` | ${keysIn(source)
            .map((key) => `\`${key}\``)
            .join(', ')}`,
      )
      .sort();
    expect(table('Scripts').map((cells) => cells.join(' | '))).toEqual(used);
  });
});
