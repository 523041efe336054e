import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './sources.ts';
import { declares, stepsOf } from './walk.ts';

const steps = stepsOf(readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8'));

describe("CONTRIBUTING's walk", () => {
  it('answers at least twelve questions', () => {
    expect(new Set(steps.map(({ question }) => question)).size).toBeGreaterThanOrEqual(12);
  });

  it.each(steps)('$question $file declares $symbol', ({ file, symbol }) => {
    const path = join(root, file);
    expect(existsSync(path) && declares(readFileSync(path, 'utf8'), symbol)).toBe(true);
  });
});

describe('the rule', () => {
  it.each([
    ['export function decide(a: string) {}', 'decide', true],
    ['  async settle(id: string) {}', 'settle', true],
    ['  idleMs: 75_000,', 'idleMs', true],
    ['decide(route);', 'decide', false],
    ['// decide', 'decide', false],
  ])('reads %j: %s is declared: %s', (text, symbol, expected) => {
    expect(declares(text, symbol)).toBe(expected);
  });
});
