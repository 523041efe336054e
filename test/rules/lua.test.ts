import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SCRIPTS } from '@spawner/store';

const FOLDER = join(__dirname, '../../libs/store/src/lua');
const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.lua'),
);

describe('the Lua scripts', () => {
  it.each(files)('%s names its arguments, keys and fields, and never counts them', (file) => {
    const code = readFileSync(join(FOLDER, file), 'utf8').replaceAll(/--.*$/gm, '');
    expect(code).not.toMatch(/\b(?:ARGV|KEYS)\b/);
    expect(code).not.toMatch(/string\.char\(\s*\d/);
    // Names of keys, rows, members and deadlines are generated.
    expect(code).not.toMatch(/['"](?:[a-z]+\/|:?[a-z]+:[a-z]*|\/registration)['"]/);
  });

  it('are all in the typed table', () => {
    const scripts = files.filter((file) => !file.includes('/') && file !== 'guard.lua');
    expect(Object.values(SCRIPTS).map(({ name }) => `${name}.lua`)).toEqual(expect.arrayContaining(scripts));
    expect(Object.values(SCRIPTS)).toHaveLength(scripts.length);
  });

  it.each(Object.values(SCRIPTS).map((script) => [script.name, script] as const))(
    '%s uses every argument that it is given',
    (name, { args }) => {
      const code = readFileSync(join(FOLDER, `${name}.lua`), 'utf8').replaceAll(/--.*$/gm, '');
      const unused = Object.keys(args)
        .map((argument) => argument.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))
        .filter((argument) => !new RegExp(`\\b${argument}\\b`).test(code));
      expect(unused).toEqual([]);
    },
  );
});
