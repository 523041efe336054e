import { DEADLINES } from '@spawner/domain';
import { Route } from '@spawner/proto/internal/route';
import { agentRow } from './keys.ts';
import { Refill } from './refill.ts';

const route = (backendId: string, droneId = '') => Route.fromPartial({ backendId, droneId });
const table = (...rows: Route[]) => new Map(rows.map((row) => [row.backendId, row]));

const HERE = route('here', 'd1');
const AWAY = route('away', 'd2');
const ROWS = [HERE, AWAY, route(agentRow('d1')), route(agentRow('d2')), route('token/a', 'd2')];
const FILLED = DEADLINES.refill;

describe('a store that is being filled again', () => {
  const kept = (refill: Refill, read: Map<string, Route>, now: number) => {
    const keeps = refill.keeps(ROWS, read, now);
    return ROWS.filter((row) => !read.has(row.backendId) && keeps(row)).map(({ backendId }) => backendId);
  };

  it('lacks nothing that counts before its time has passed', () => {
    const refill = new Refill(0);
    expect(kept(refill, table(), FILLED - 1)).toEqual(ROWS.map(({ backendId }) => backendId));
    expect([refill.lookAt, refill.isOver(FILLED - 1)]).toEqual([FILLED, false]);
  });

  it('has lost for good what it lacks then of the drones that are back', () => {
    const refill = new Refill(0);
    expect(kept(refill, table(route(agentRow('d1')), route(agentRow('d2'))), FILLED)).toEqual([]);
    expect(refill.isOver(FILLED)).toBe(true);
  });

  it('awaits what runs on a drone that is away, and is read again when that one is back', () => {
    const refill = new Refill(0);
    const without = table(HERE, route(agentRow('d1')));
    expect(kept(refill, without, FILLED)).toEqual(['away']);
    expect([refill.lookAt, refill.isOver(FILLED)]).toEqual([DEADLINES.droneForgotten, false]);
    refill.changed(agentRow('d1'), FILLED + 1);
    expect(refill.lookAt).toBe(DEADLINES.droneForgotten);
    refill.changed(agentRow('d2'), FILLED + 2);
    expect(refill.lookAt).toBe(FILLED + 2);
    expect(kept(refill, table(HERE, route(agentRow('d1')), route(agentRow('d2'))), FILLED + 3)).toEqual([]);
    expect(refill.isOver(FILLED + 3)).toBe(true);
  });

  it('awaits it until the drone is given up', () => {
    const refill = new Refill(0);
    kept(refill, table(), FILLED);
    expect(kept(refill, table(), DEADLINES.droneForgotten)).toEqual([]);
    expect(refill.isOver(DEADLINES.droneForgotten)).toBe(true);
  });
});
