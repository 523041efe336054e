import { systemClock } from '@spawner/domain';
import { processTable } from './process-table.ts';

describe('the table of processes', () => {
  it('is read once for all calls within their age, and again for later ones', () => {
    let [now, looks] = [1_000, 0];
    const table = processTable({ ...systemClock, now: () => now }, () => {
      looks += 1;
      return [];
    });
    for (let asked = 0; asked < 100; asked += 1) expect(table(500).at).toBe(1_000);
    now = 1_499;
    expect([table(500).at, looks]).toEqual([1_000, 1]);
    now = 1_500;
    expect([table(500).at, looks]).toEqual([1_500, 2]);
  });
});
