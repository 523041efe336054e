import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { complaintsOf, faultsIn } from './regressions.ts';
import { root } from './sources.ts';

const textOf = (path: string) =>
  existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined;

describe('docs/regressions.md', () => {
  it('names tests that exist under their titles, and has one for every fault', () => {
    const faults = faultsIn(textOf('docs/regressions.md') ?? '');
    expect(faults.length).toBeGreaterThan(30);
    expect(complaintsOf(faults, textOf)).toEqual([]);
  });
});

describe('the rule', () => {
  const files: Record<string, string> = { 'a.test.ts': "it('holds', f); it(`10 hold at once`, f);" };
  const complaints = (page: string) => complaintsOf(faultsIn(page), (path) => files[path]);

  it.each([
    ['## A\n\n- `a.test.ts`: holds\n', []],
    ['## A\n\n- `a.test.ts`: hold at once\n', []],
    ['## A\n\nDoes not apply: no.\n', []],
    ['## A\n\nIt is all right.\n', ['no test against: A']],
    ['## A\n\n- `a.test.ts`: hold\n', ['a.test.ts has no test: hold']],
    ['## A\n\n- `b.test.ts`: holds\n', ['no file b.test.ts']],
  ])('says of %j: %j', (page, expected) => {
    expect(complaints(page)).toEqual(expected);
  });
});
