import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUDGETS, budgetRows, budgetsAgainst, complaints } from './budgets.ts';

const most = [{ figure: 'cost', most: 1.5, what: 'cost ÷ peer' }];

describe('budgets', () => {
  it('are met up to their bound', () => {
    expect(complaints(most, { cost: 1.5 })).toEqual([]);
    expect(complaints([{ figure: 'rate', least: 3, what: 'rate' }], { rate: 3 })).toEqual([]);
  });

  it('are missed beyond it', () => {
    expect(complaints(most, { cost: 1.51 })).toEqual(['cost is 1.51, budget at most 1.5 (cost ÷ peer)']);
    expect(complaints([{ figure: 'rate', least: 3, what: 'rate' }], { rate: 2 })).toHaveLength(1);
  });

  it('are missed if a figure is absent or not a number, as without a peer', () => {
    expect(complaints(most, {})).toEqual(['cost was not measured (cost ÷ peer)']);
    expect(complaints([], { cost: Number.NaN })).toEqual(['cost is not a number']);
    expect(complaints(most, { cost: 'fast' })).toHaveLength(1);
  });

  it('leave out what a partial run did not measure', () => {
    expect(complaints(most, {}, 'some')).toEqual([]);
    const [full] = most.map((budget) => ({ ...budget, fullOnly: true }));
    expect(complaints([full!], {}, 'quick')).toEqual([]);
    expect(complaints([full!], {})).toHaveLength(1);
    expect(complaints(most, {}, 'quick')).toHaveLength(1);
  });

  it('hold user code and all code to another checkout', () => {
    const figures = { request_proxy_to_other_user: 1.06, request_proxy_to_other_all: 1, rounds: 3 };
    expect(complaints(budgetsAgainst(figures), figures)).toHaveLength(1);
  });

  it('are the table of docs/benchmarks.md', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/benchmarks.md'), 'utf8');
    const rows = page
      .split('\n')
      .filter((line) => Object.keys(BUDGETS).some((name) => line.startsWith(`| ${name} |`)));
    expect(rows).toEqual(budgetRows());
  });
});
