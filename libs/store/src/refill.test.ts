import { DEADLINES } from '@spawner/domain';
import { Refill } from './refill.ts';
import { newRoute, rowId, type TableRow } from './route-row.ts';
import { agentRow } from './rows.ts';

const route = (backendId: string, droneId: string) => newRoute({ backendId, droneId });
const agent = (droneId: string): TableRow => ({ kind: 'agentAddress', droneId, rpcAddress: '', epoch: 0 });
const token: TableRow = {
  ...{ kind: 'tokenGrant', tokenId: 'a', backendId: 'away', user: '', claims: '', expireMs: 0, epoch: 0 },
};
const table = (...rows: TableRow[]) => new Map(rows.map((row) => [rowId(row), row]));

const HERE = route('here', 'd1');
const AWAY = route('away', 'd2');
const ROWS = [HERE, AWAY, agent('d1'), agent('d2'), token];
const FILLED = DEADLINES.refill;

describe('a store that is being repopulated', () => {
  const kept = (refill: Refill, read: Map<string, TableRow>, now: number) => {
    const keeps = refill.keeps(ROWS, read, now);
    return ROWS.filter((row) => !read.has(rowId(row)) && keeps(row)).map(rowId);
  };

  it('has lost no route before its time has passed', () => {
    const refill = new Refill(0);
    expect(kept(refill, table(), FILLED - 1)).toEqual(ROWS.map(rowId));
    expect([refill.lookAt, refill.isOver(FILLED - 1)]).toEqual([FILLED, false]);
  });

  it('has then lost the missing routes of the drones that are back', () => {
    const refill = new Refill(0);
    expect(kept(refill, table(agent('d1'), agent('d2')), FILLED)).toEqual([]);
    expect(refill.isOver(FILLED)).toBe(true);
  });

  it('awaits the routes of a drone that is away, and is read again when that drone is back', () => {
    const refill = new Refill(0);
    const without = table(HERE, agent('d1'));
    expect(kept(refill, without, FILLED)).toEqual(['away']);
    expect([refill.lookAt, refill.isOver(FILLED)]).toEqual([DEADLINES.droneForgotten, false]);
    refill.changed(agentRow('d1'), FILLED + 1);
    expect(refill.lookAt).toBe(DEADLINES.droneForgotten);
    refill.changed(agentRow('d2'), FILLED + 2);
    expect(refill.lookAt).toBe(FILLED + 2);
    expect(kept(refill, table(HERE, agent('d1'), agent('d2')), FILLED + 3)).toEqual([]);
    expect(refill.isOver(FILLED + 3)).toBe(true);
  });

  it('awaits them until the drone is given up', () => {
    const refill = new Refill(0);
    kept(refill, table(), FILLED);
    expect(kept(refill, table(), DEADLINES.droneForgotten)).toEqual([]);
    expect(refill.isOver(DEADLINES.droneForgotten)).toBe(true);
  });
});
