import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MUTATIONS, mutated, mutatedServices } from './mutations.ts';

const sourceOf = (file: string) => readFileSync(join(__dirname, '../..', file), 'utf8');

describe('the deliberate faults', () => {
  it.each(Object.entries(MUTATIONS))('has a text to change: %s', (_, mutation) => {
    const source = sourceOf(mutation.file);
    const changed = mutated(source, mutation);
    expect(changed).not.toBe(source);
    expect(changed).toContain(mutation.to);
    expect(() => mutated(changed.replaceAll(mutation.from, ''), mutation)).toThrow('any more');
  });

  it('are given to one service, and to none unless one is named', () => {
    expect(mutatedServices('')).toEqual({});
    expect(Object.keys(mutatedServices('kernel-is-not-asked'))).toEqual(['agent']);
    expect(() => mutatedServices('nonsense')).toThrow('no mutation is called nonsense');
  });
});
