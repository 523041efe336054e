import { isTest, type Source } from './sources.ts';

const EXPORTED =
  /^export (?:abstract )?(?:async )?(?:function\*?|const|let|class|interface|type|enum) (\w+)/gm;

/**
 * One line for each exported name that no code mentions outside of tests, except where it is declared. A name that only tests
 * use is dead too, unless its own file uses it: then tests look at a part of a whole.
 */
export function deadExports(sources: readonly Source[]): string[] {
  const shipped = sources.filter((source) => !isTest(source) && /\.(ts|mjs|js)$/.test(source.path));
  const uses = new Map<string, number>();
  for (const { text } of shipped)
    for (const [word] of text.matchAll(/\w+/g)) uses.set(word, (uses.get(word) ?? 0) + 1);
  return shipped
    .filter(({ path }) => /^(libs|services|deploy)\//.test(path) && !path.startsWith('libs/testkit/'))
    .flatMap(({ path, text }) =>
      [...text.matchAll(EXPORTED)]
        .map(([, name = '']) => name)
        .filter((name) => uses.get(name) === 1)
        .map((name) => `${path} exports ${name}, which nothing uses`),
    );
}
