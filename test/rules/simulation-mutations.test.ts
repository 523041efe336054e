import { readFileSync } from 'node:fs';
import { changedText } from '../simulation/mutations/change.ts';
import { MUTATIONS } from '../simulation/mutations/mutations.ts';

const ROOT = new URL('../../', import.meta.url);

describe('a mutation of the simulation', () => {
  it.each(Object.entries(MUTATIONS))('changes a text that is there exactly once: %s', (_, { changes }) => {
    for (const change of changes) {
      const text = readFileSync(new URL(change.file, ROOT), 'utf8');
      expect(changedText(text, change)).not.toBe(text);
    }
  });
});
