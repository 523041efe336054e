import { sources } from './sources.ts';

const MOST_LINES = 400;
const MANY_LINES = 300;
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)+$/;

const lines = (text: string) => text.trimEnd().split('\n').length;

describe('source files', () => {
  it(`have at most ${MOST_LINES} lines`, () => {
    const long = sources()
      .map(({ path, text }) => ({ path, count: lines(text) }))
      .filter(({ count }) => count > MANY_LINES)
      .map(({ path, count }) => ({ count, line: `${path}: ${count} lines` }));
    if (long.length > 0) {
      process.stdout.write(
        `Longer than ${MANY_LINES} lines:\n${long.map(({ line }) => `  ${line}\n`).join('')}`,
      );
    }
    expect(long.filter(({ count }) => count > MOST_LINES).map(({ line }) => line)).toEqual([]);
  });

  it('have names in kebab-case', () => {
    const odd = sources().filter(({ path }) => !KEBAB_CASE.test(path.slice(path.lastIndexOf('/') + 1)));
    expect(odd.map(({ path }) => path)).toEqual([]);
  });
});
