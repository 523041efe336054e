import { fenceLines, outOfOrder } from './fence-record.ts';

describe('the record of fences', () => {
  it('is taken from a log line by line', () => {
    const log = ['probe listening on 8080', 'fence 7 1000000', 'fence x 1', 'fence 7 3000000'];
    expect(fenceLines('room', log)).toEqual([
      { key: 'room', fence: 7, at: 1_000_000n },
      { key: 'room', fence: 7, at: 3_000_000n },
    ]);
  });

  it('is in order where holders follow one another, however their lines come in', () => {
    const old = fenceLines('room', ['fence 7 1000000', 'fence 7 3000000']);
    const next = fenceLines('room', ['fence 9 4000000', 'fence 9 5000000']);
    const other = fenceLines('hall', ['fence 8 4500000']);
    expect(outOfOrder([...next, ...other, ...old])).toEqual([]);
  });

  it('shows a holder that writes after the next one has begun', () => {
    const old = fenceLines('room', ['fence 7 1000000', 'fence 7 6000000']);
    const next = fenceLines('room', ['fence 9 4000000', 'fence 9 5000000']);
    expect(outOfOrder([...old, ...next])).toEqual(['room: 7 was written 1 ms after 9']);
  });
});
