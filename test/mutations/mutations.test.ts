import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MUTATIONS, mutated } from './mutations.ts';

const ROOT = join(__dirname, '..', '..');
const jestConfig = readFileSync(join(ROOT, 'jest.config.mjs'), 'utf8');

describe('the deliberate faults', () => {
  it.each(MUTATIONS.map((mutation) => [mutation.name, mutation] as const))(
    'have a text that is there once, and a test: %s',
    (_, mutation) => {
      const source = readFileSync(join(ROOT, mutation.file), 'utf8');
      expect(mutated(source, mutation)).toContain(mutation.to);
      expect(existsSync(join(ROOT, mutation.test))).toBe(true);
      expect(jestConfig).toContain(`'${mutation.project}',`);
    },
  );

  it('are refused if their text is missing or there twice', () => {
    const mutation = MUTATIONS[0]!;
    expect(() => mutated('', mutation)).toThrow('0 times, not once');
    expect(() => mutated(`${mutation.from}${mutation.from}`, mutation)).toThrow('2 times, not once');
  });

  it('have names of their own', () => {
    expect(new Set(MUTATIONS.map(({ name }) => name)).size).toBe(MUTATIONS.length);
  });
});
