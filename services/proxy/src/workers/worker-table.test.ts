import { MOST_SILENT_LOOKS, WorkerTable } from './worker-table.ts';

const KILLED = { code: null, signal: 'SIGKILL' };

/** Back-off without its random half. */
const table = (count: number) => new WorkerTable(count, () => 1);

/** All started, and serving since 0. */
function serving(count: number): WorkerTable {
  const made = table(count);
  for (const slot of made.due(0)) {
    made.started(slot);
    made.heard(slot, true, 0);
  }
  return made;
}

describe('a table of workers', () => {
  it('has all started at once, each once', () => {
    const made = table(3);
    expect(made.due(0)).toEqual([1, 2, 3]);
    for (const slot of [1, 2, 3]) made.started(slot);
    expect(made.due(1e9)).toEqual([]);
  });

  it('has one that ended started again soon, and later each time while it does not stay', () => {
    const made = serving(2);
    const waits: number[] = [];
    for (let at = 0; waits.length < 9; ) {
      const next = made.exited(2, KILLED, at);
      const inMs = next.kind === 'again' ? next.inMs : Number.NaN;
      expect(made.due(at + inMs - 1)).toEqual([]);
      at += inMs;
      expect(made.due(at)).toEqual([2]);
      made.started(2);
      waits.push(inMs);
    }
    expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
  });

  it('forgets earlier ends of one that served for ten seconds, and not of one that only lived so long', () => {
    const made = serving(2);
    for (let n = 0; n < 5; n++) {
      made.exited(1, KILLED, 0);
      made.started(1);
    }
    made.heard(1, false, 1_000);
    expect(made.exited(1, KILLED, 60_000)).toEqual({ kind: 'again', inMs: 3_200 });
    made.started(1);
    made.heard(1, true, 70_000);
    expect(made.exited(1, KILLED, 80_000)).toEqual({ kind: 'again', inMs: 100 });
  });

  it('gives up where one ends by itself before any has served, and never after', () => {
    const failed = { code: 1, signal: null };
    const fresh = table(2);
    for (const slot of fresh.due(0)) fresh.started(slot);
    expect(fresh.exited(1, KILLED, 0).kind).toBe('again');
    expect(fresh.exited(2, failed, 0)).toEqual({ kind: 'give up' });
    const served = serving(2);
    expect(served.exited(2, failed, 0).kind).toBe('again');
  });

  it('starts none and expects their ends once it drains', () => {
    const made = serving(2);
    made.drain();
    expect(made.running).toBe(2);
    expect(made.exited(1, { code: 0, signal: null }, 0)).toEqual({ kind: 'over' });
    expect(made.due(1e9)).toEqual([]);
    expect(made.running).toBe(1);
  });

  it('is complete when each has served, and counts who serves now', () => {
    const made = table(2);
    for (const slot of made.due(0)) made.started(slot);
    made.heard(1, true, 0);
    expect([made.complete, made.serving]).toEqual([false, 1]);
    made.heard(2, true, 0);
    made.heard(1, false, 1);
    expect([made.complete, made.serving]).toEqual([true, 1]);
    made.exited(2, KILLED, 2);
    expect([made.complete, made.serving]).toEqual([true, 0]);
  });

  it('names one that has said nothing for thirty looks in a row, and no other', () => {
    const made = serving(2);
    for (let look = 0; look < MOST_SILENT_LOOKS; look++) {
      made.heard(1, true, look);
      expect(made.look()).toEqual([]);
    }
    expect(made.look()).toEqual([2]);
  });
});
