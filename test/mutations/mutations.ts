/**
 * Deliberate faults of the product, each of which a test has to catch. `npm run mutants` tries them in a copy of the
 * tree; test/mutations/mutations.test.ts checks that each text still exists exactly once.
 */
export interface Mutation {
  /** The fault in a few words. */
  name: string;
  file: string;
  from: string;
  to: string;
  /** The test file that catches it, and its project in jest.config.mjs. */
  test: string;
  project: string;
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'a proxy gives up NATS after 300 attempts',
    file: 'libs/bus/src/bus.ts',
    from: 'maxReconnectAttempts: -1,',
    to: 'maxReconnectAttempts: 300,',
    test: 'test/integration/bus.test.ts',
    project: 'integration',
  },
];

/** The source with the fault in it; throws unless the text is there exactly once. */
export function mutated(source: string, { file, from, to }: Mutation): string {
  const count = source.split(from).length - 1;
  if (count !== 1) throw new Error(`${file} has ${JSON.stringify(from)} ${count} times, not once`);
  return source.replace(from, () => to);
}
