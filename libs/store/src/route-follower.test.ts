import { DEADLINES } from '@spawner/domain';
import { Replica } from './replica.ts';
import { RouteFollower } from './route-follower.ts';
import { newRoute, type TableRow } from './route-row.ts';

const at = (n: number, epoch = 1) => ({ epoch, n });
const rows = (...ids: string[]) =>
  new Map<string, TableRow>(ids.map((id) => [id, newRoute({ backendId: id, droneId: 'd', epoch: 5 })]));
const entry = (n: number, epoch = 1) => ({
  at: at(n, epoch),
  change: { id: `b${n}`, row: newRoute({ backendId: `b${n}`, epoch: 9 }), epoch: 9 },
});

function follower(position = at(5), ...ids: string[]) {
  const replica = new Replica<TableRow>();
  const subject = new RouteFollower(replica);
  subject.step({ kind: 'table', position, rows: rows(...ids), askedAt: 1 }, 1);
  return { replica, subject };
}

describe('RouteFollower', () => {
  it('reads on while entries are in step, and loads the table after a gap', () => {
    const { replica, subject } = follower();
    expect(subject.step({ kind: 'entries', entries: [entry(6), entry(7)] }, 2)).toBe('read');
    expect([replica.position, replica.size]).toEqual([at(7), 2]);
    expect(subject.step({ kind: 'entries', entries: [entry(9)] }, 3)).toBe('load');
  });

  it('looks at the head every five seconds, whether or not entries come', () => {
    const { subject } = follower();
    expect(subject.step({ kind: 'entries', entries: [] }, 5_000)).toBe('read');
    expect(subject.step({ kind: 'entries', entries: [] }, 5_001)).toBe('head');
    expect(subject.step({ kind: 'entries', entries: [] }, 5_002)).toBe('read');
  });

  it.each([
    ['agrees', { head: at(5), hasNext: true }, 'read', 4],
    ['is ahead of entries on their way', { head: at(9), hasNext: true }, 'read', 4],
    ['is ahead of an entry that is gone', { head: at(9), hasNext: false }, 'load', 1],
    ['is behind', { head: at(4), hasNext: true }, 'load', 1],
    ['is of another log', { head: at(5, 2), hasNext: true }, 'load', 1],
    ['is missing, because the store was emptied', { head: at(0, 0), hasNext: true }, 'read', 1],
  ] as const)('a head that %s', (_, seen, next, confirmedAt) => {
    const { replica, subject } = follower(at(5), 'a');
    expect(subject.step({ kind: 'head', ...seen, askedAt: 4 }, 5)).toBe(next);
    expect(replica.asOf('a')).toBe(confirmedAt);
  });

  it('takes no table of an emptied store, nor of an older copy in the same log', () => {
    const { subject } = follower(at(5));
    expect([at(0, 0), at(4), at(5), at(1, 2)].map((head) => subject.accepts(head))).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  it('keeps the routes that a store of another log lacks until it is repopulated', () => {
    const { replica, subject } = follower(at(5), 'a', 'b');
    const other = { kind: 'table', position: at(1, 2), rows: rows('a'), askedAt: 2 } as const;
    expect(subject.step(other, 2)).toBe('read');
    expect([subject.isRefilling, replica.size]).toEqual([true, 2]);
    const filled = 2 + DEADLINES.refill;
    expect(subject.step({ kind: 'entries', entries: [] }, filled)).toBe('load');
    subject.step({ ...other, rows: new Map([...rows('a')]) }, filled);
    const over = 2 + DEADLINES.droneForgotten;
    subject.step(other, over);
    expect([subject.isRefilling, replica.size]).toEqual([false, 1]);
  });
});
