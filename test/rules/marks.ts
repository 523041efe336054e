/** Marks that no code may have: promises to do it later, and ways round the type checker or a red test. */
import { isTest, type Source } from './sources.ts';

const ANYWHERE: [string, RegExp][] = [
  ['a mark of unfinished work', /\b(?:TODO|FIXME)\b/],
  ['a way round the type checker', /@ts-(?:ignore|nocheck)|\bas any\b/],
];

const IN_TESTS: [string, RegExp][] = [
  ['a test that does not run, or runs alone', /\b(?:it|test|describe)\.(?:only|skip|todo|failing)\b/],
  ['a test that does not run, or runs alone', /\b(?:fit|fdescribe|xit|xtest|xdescribe)\(/],
  ['a mocked module', /\bjest\.(?:mock|doMock|unstable_mockModule)\(/],
];

/** One line for each mark, with its place. */
export function marksIn(source: Source): string[] {
  const marks = isTest(source) ? [...ANYWHERE, ...IN_TESTS] : ANYWHERE;
  return source.text
    .split('\n')
    .flatMap((line, index) =>
      marks
        .filter(([, pattern]) => pattern.test(line))
        .map(([what]) => `${source.path}:${index + 1}: ${what}: ${line.trim()}`),
    );
}
