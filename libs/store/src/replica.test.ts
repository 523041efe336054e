import { Replica } from './replica.ts';

const at = (n: number, epoch = 1) => ({ epoch, n });
const NEVER = Number.NEGATIVE_INFINITY;
const row = (epoch: number, name = '') => ({ epoch, name });

describe('Replica', () => {
  it('follows the log from where the table was read', () => {
    const replica = new Replica<{ epoch: number; name: string }>();
    replica.load(at(5), new Map([['a', row(1)]]));
    expect(replica.apply(at(6), { id: 'b', row: row(7), epoch: 7 })).toBe(true);
    expect(replica.apply(at(7), { id: 'a', row: undefined, epoch: 8 })).toBe(true);
    expect([...replica.rows()]).toEqual([row(7)]);
  });

  it.each([[at(7)], [at(5)], [at(6, 2)]])('asks for a reload at entry %j after 1-5', (next) => {
    const replica = new Replica<{ epoch: number; name: string }>();
    replica.load(at(5), new Map());
    expect(replica.apply(next, { id: 'a', row: row(9), epoch: 9 })).toBe(false);
    expect(replica.size).toBe(0);
  });

  it('does not take the first entry of a log that began after an empty table was read, because the log may begin with rows', () => {
    const replica = new Replica<{ epoch: number; name: string }>();
    replica.load(at(0, 0), new Map());
    for (const next of [at(1, 9), at(2, 9)])
      expect(replica.apply(next, { id: 'a', row: row(9), epoch: 9 })).toBe(false);
    expect(replica.size).toBe(0);
  });

  it('keeps the higher epoch when an entry repeats what the table already had', () => {
    const replica = new Replica<{ epoch: number; name: string }>();
    replica.load(at(5), new Map([['a', row(9, 'new')]]));
    expect(replica.apply(at(6), { id: 'a', row: row(8, 'old'), epoch: 8 })).toBe(true);
    expect(replica.get('a')?.name).toBe('new');
  });

  it('never goes back within one epoch of the store, and starts over with a new one', () => {
    const replica = new Replica<{ epoch: number; name: string }>();
    replica.load(at(5), new Map([['a', row(9, 'new')]]));
    replica.load(at(6), new Map([['a', row(8, 'old')]]));
    expect(replica.get('a')?.name).toBe('new');
    replica.load(at(1, 2), new Map([['a', row(8, 'old')]]));
    expect(replica.get('a')?.name).toBe('old');
  });

  it('keeps the rows that an emptied store lacks if it is asked to, and drops them later', () => {
    const replica = new Replica<{ epoch: number; name: string }>();
    replica.load(at(5), new Map([['a', row(9)]]));
    replica.load(at(1, 2), new Map([['b', row(10)]]), () => true);
    expect([replica.get('a'), replica.get('b')]).toEqual([row(9), row(10)]);
    replica.load(at(1, 2), new Map([['b', row(10)]]));
    expect([replica.get('a'), replica.get('b')]).toEqual([undefined, row(10)]);
  });

  it('takes a kept row from a new log, even with a lower epoch than before', () => {
    const replica = new Replica<{ epoch: number; name: string }>();
    replica.load(
      at(5),
      new Map([
        ['a', row(90, 'old')],
        ['b', row(91, 'old')],
        ['c', row(92, 'old')],
      ]),
    );
    replica.load(at(0, 2), new Map(), () => true);
    expect(replica.apply(at(1, 2), { id: 'a', row: row(7, 'new'), epoch: 7 })).toBe(true);
    expect(replica.apply(at(2, 2), { id: 'a', row: row(6, 'older'), epoch: 6 })).toBe(true);
    expect(replica.apply(at(3, 2), { id: 'c', row: undefined, epoch: 8 })).toBe(true);
    replica.load(
      at(4, 2),
      new Map([
        ['a', row(7, 'new')],
        ['b', row(9, 'new')],
      ]),
    );
    expect([...replica.rows()]).toEqual([row(7, 'new'), row(9, 'new')]);
  });

  it('calls its listener for every row that changes or goes', () => {
    const heard: string[] = [];
    const replica = new Replica<{ epoch: number; name: string }>((id, now) =>
      heard.push(`${id} ${now?.name ?? 'gone'}`),
    );
    replica.load(at(1), new Map([['a', row(1, 'x')]]));
    replica.apply(at(2), { id: 'a', row: row(2, 'y'), epoch: 2 });
    replica.load(at(3), new Map());
    expect(heard).toEqual(['a x', 'a y', 'a gone']);
  });

  it('disagrees with a head that is behind it or of another epoch', () => {
    const replica = new Replica<{ epoch: number; name: string }>();
    expect(replica.agrees(at(0))).toBe(false);
    replica.load(at(5), new Map());
    expect([at(5), at(9), at(4), at(5, 2)].map((head) => replica.agrees(head))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('remembers when an earlier log last confirmed a row', () => {
    const replica = new Replica<{ epoch: number; name: string }>();
    const table = new Map(['a', 'b'].map((id) => [id, row(9)] as const));
    replica.load(at(5), table);
    replica.agreedAt(7);
    replica.load(at(1, 2), new Map([['a', row(10)]]), () => true);
    replica.agreedAt(8);
    expect(['a', 'b'].map((id) => replica.asOf(id))).toEqual([8, 7]);
    replica.load(at(1, 3), new Map(), () => true);
    replica.agreedAt(9);
    expect(['a', 'b'].map((id) => replica.asOf(id))).toEqual([8, 7]);
  });

  it('begins with a copy, which the first load replaces', () => {
    const replica = new Replica<{ epoch: number; name: string }>();
    replica.begin(
      at(5),
      new Map([
        ['a', row(9, 'kept')],
        ['b', row(9)],
        ['c', row(9)],
      ]),
    );
    expect([replica.position, replica.asOf('a')]).toEqual([at(5), NEVER]);
    replica.load(
      at(6),
      new Map([
        ['a', row(8, 'told')],
        ['c', row(9, 'told')],
      ]),
    );
    expect([...replica.rows()]).toEqual([row(8, 'told'), row(9, 'told')]);
    replica.agreedAt(7);
    expect(['a', 'c'].map((id) => replica.asOf(id))).toEqual([7, 7]);
  });

  it('keeps the rows of a copy that a repopulated store does not have yet, unconfirmed', () => {
    const replica = new Replica<{ epoch: number; name: string }>();
    replica.begin(
      at(5),
      new Map([
        ['a', row(9)],
        ['b', row(9)],
      ]),
    );
    replica.load(at(1, 2), new Map([['a', row(1)]]), () => true);
    replica.agreedAt(7);
    expect(['a', 'b'].map((id) => replica.asOf(id))).toEqual([7, NEVER]);
    replica.load(at(1, 2), new Map([['a', row(1)]]));
    expect(replica.get('b')).toBeUndefined();
  });

  it('keeps an override until the writer publishes the row again', () => {
    const replica = new Replica<{ epoch: number; name: string }>();
    const table = () => new Map(['a', 'b', 'c'].map((id) => [id, row(9, 'old word')]));
    replica.load(at(5), table());
    for (const id of ['a', 'b', 'c']) replica.override(id, row(9, 'ended'));
    replica.agreedAt(7);
    expect(replica.asOf('a')).toBe(NEVER);
    replica.apply(at(6), { id: 'a', row: row(9, 'old word'), epoch: 9 });
    replica.load(at(6), table());
    replica.load(at(1, 2), table());
    expect([...replica.rows()].map(({ name }) => name)).toEqual(['ended', 'ended', 'ended']);
    replica.apply(at(2, 2), { id: 'a', row: row(10, 'told'), epoch: 10 });
    replica.apply(at(3, 2), { id: 'b', row: undefined, epoch: 11 });
    replica.load(
      at(3, 2),
      new Map([
        ['a', row(10, 'told')],
        ['c', row(12, 'told')],
      ]),
    );
    expect([...replica.rows()]).toEqual([row(10, 'told'), row(12, 'told')]);
    expect(replica.asOf('c')).toBe(7);
  });
});
