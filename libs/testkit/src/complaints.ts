/**
 * Faults beside the assertions of a test, such as an error in the log of a service. They are collected while a test file
 * runs and fail the file at its end (test/runner/environment.ts), unless the test named them as expected.
 */
type Check = () => string[] | Promise<string[]>;

interface Collected {
  texts: string[];
  expected: RegExp[];
  checks: Set<Check>;
}

/** The collection belongs to the test file's global object: the environment reads it from outside. */
const KEY = Symbol.for('spawner.complaints');
const MOST_TEXTS = 20;

export function complain(text: string): void {
  const { texts } = collectedIn(globalThis);
  if (texts.length < MOST_TEXTS && !texts.includes(text)) texts.push(text);
}

/** From now on, and for what was found before, a complaint that matches does not fail this test file. */
export function expectComplaint(pattern: RegExp): void {
  collectedIn(globalThis).expected.push(pattern);
}

/** Runs the check after all tests and hooks of the file; it returns complaints. */
export function atFileEnd(check: Check): void {
  collectedIn(globalThis).checks.add(check);
}

/** Runs the checks of this global object and resolves with every complaint that no test expected. */
export async function unexpectedComplaints(of: object): Promise<string[]> {
  const { texts, expected, checks } = collectedIn(of);
  const found = [...texts];
  for (const check of checks) found.push(...(await check()));
  return found.filter((text) => !expected.some((pattern) => pattern.test(text)));
}

/** A fixture that has to be gone by the end of the file; call the result when it has gone. */
export function opened(what: string): () => void {
  const { checks } = collectedIn(globalThis);
  const check = () => [`${what} was left behind`];
  checks.add(check);
  return () => void checks.delete(check);
}

function collectedIn(global: object): Collected {
  const holder = global as { [KEY]?: Collected };
  holder[KEY] ??= { texts: [], expected: [], checks: new Set() };
  return holder[KEY];
}
