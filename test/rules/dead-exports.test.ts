import { deadExports } from './dead-exports.ts';
import { sources } from './sources.ts';

const source = (path: string, text: string) => ({ path, text });

describe('exports', () => {
  it('have a user besides tests', () => {
    expect(deadExports(sources())).toEqual([]);
  });
});

describe('the rule about exports', () => {
  it('finds a name that only its declaration and tests mention', () => {
    const found = deadExports([
      source(
        'libs/domain/src/a.ts',
        'export function used() {}\nexport function dead() {}\nexport type Gone = 1;',
      ),
      source('libs/domain/src/a.test.ts', 'dead();'),
      source('services/dns/src/b.ts', 'used();'),
    ]);
    expect(found).toEqual([
      'libs/domain/src/a.ts exports dead, which nothing uses',
      'libs/domain/src/a.ts exports Gone, which nothing uses',
    ]);
  });
});
