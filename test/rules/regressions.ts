/** docs/regressions.md as data: faults, each with the tests that would catch it here. */
export interface Fault {
  title: string;
  tests: { path: string; title: string }[];
  /** The page says that it cannot happen here, or not yet. */
  doesNotApply: boolean;
}

const TEST_LINE = /^- `([^`]+\.test\.ts)`: (.+)$/;

export function faultsIn(page: string): Fault[] {
  return page
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [title = '', ...lines] = section.split('\n');
      const tests = lines.flatMap((line) => {
        const [, path, named] = TEST_LINE.exec(line) ?? [];
        return path && named ? [{ path, title: named }] : [];
      });
      return { title, tests, doesNotApply: lines.some((line) => line.startsWith('Does not apply')) };
    });
}

/** One line for each fault without a test, and for each test that is not where the page says. */
export function complaintsOf(
  faults: readonly Fault[],
  textOf: (path: string) => string | undefined,
): string[] {
  return faults.flatMap(({ title: fault, tests, doesNotApply }) => {
    const without = tests.length === 0 && !doesNotApply ? [`no test against: ${fault}`] : [];
    const missing = tests.flatMap(({ path, title }) => {
      const text = textOf(path);
      if (text === undefined) return [`no file ${path}`];
      return titleStands(text, title) ? [] : [`${path} has no test: ${title}`];
    });
    return [...without, ...missing];
  });
}

/** In quotes as a title is, or the end of one that begins with a value. */
function titleStands(text: string, title: string): boolean {
  return ["'", '"', '`'].some((quote) => text.includes(`${title.replaceAll(quote, `\\${quote}`)}${quote}`));
}
