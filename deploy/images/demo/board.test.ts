import { Board } from './board.ts';

const limits = { strokes: 3, points: 10, pointsPerStroke: 6 };
const pen = { colour: 'blue', width: 7 } as const;

function boardWith(...ids: string[]): Board {
  const board = new Board(limits);
  for (const id of ids) board.begin({ id, author: id[0]!, ...pen }, 0, 0);
  return board;
}

const ids = (board: Board) => board.strokes.map((stroke) => stroke.id);

describe('the board', () => {
  it('keeps strokes in the order in which they were begun, with all their points', () => {
    const board = boardWith('a1', 'b1');
    expect(board.extend('a1', [1, 2, 3, 4])).toEqual([]);
    expect(board.strokes).toEqual([
      { id: 'a1', author: 'a', ...pen, points: [0, 0, 1, 2, 3, 4], ended: false },
      { id: 'b1', author: 'b', ...pen, points: [0, 0], ended: false },
    ]);
  });

  it('takes an id once and extends a stroke only until it has ended', () => {
    const board = boardWith('a1');
    expect(board.begin({ id: 'a1', author: 'a', ...pen }, 5, 5)).toBeNull();
    expect(board.end('a1')).toBe(true);
    expect(board.end('a1')).toBe(false);
    expect(board.extend('a1', [1, 1])).toBeNull();
    expect(board.extend('nothing', [1, 1])).toBeNull();
  });

  it('undoes the latest stroke of its author alone', () => {
    const board = boardWith('a1', 'a2', 'b1');
    expect(board.undo('a')).toBe('a2');
    expect(board.undo('a')).toBe('a1');
    expect(board.undo('a')).toBeNull();
    expect(ids(board)).toEqual(['b1']);
  });

  it('forgets the oldest stroke beyond the number of strokes', () => {
    const board = boardWith('a1', 'b1', 'a2');
    expect(board.begin({ id: 'b2', author: 'b', ...pen }, 0, 0)).toEqual(['a1']);
    expect(ids(board)).toEqual(['b1', 'a2', 'b2']);
  });

  it('forgets the oldest strokes beyond the number of points, but never the one that grows', () => {
    const board = boardWith('a1', 'b1', 'a2');
    expect(board.extend('a1', [1, 1, 1, 1, 1, 1, 1, 1, 1, 1])).toEqual([]);
    expect(board.extend('b1', [1, 1, 1, 1, 1, 1])).toEqual(['a1']);
    expect(ids(board)).toEqual(['b1', 'a2']);
    expect(board.extend('b1', [1, 1, 1, 1])).toEqual([]);
    expect(board.extend('b1', [1, 1])).toBeNull();
  });

  it('counts what an undo and a clear gave back', () => {
    const board = boardWith('a1');
    board.extend('a1', [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    board.undo('a');
    for (const id of ['b1', 'b2']) {
      board.begin({ id, author: 'b', ...pen }, 0, 0);
      expect(board.extend(id, [1, 1, 1, 1, 1, 1, 1, 1])).toEqual([]);
    }
    board.clear();
    expect(board.strokes).toEqual([]);
    board.begin({ id: 'b3', author: 'b', ...pen }, 0, 0);
    expect(board.extend('b3', [1, 1, 1, 1, 1, 1, 1, 1, 1, 1])).toEqual([]);
  });

  it('ends all that a leaving author has in hand', () => {
    const board = boardWith('a1', 'a2', 'b1');
    board.end('a1');
    expect(board.endAll('a')).toEqual(['a2']);
    expect(board.strokes.filter((stroke) => !stroke.ended).map((stroke) => stroke.id)).toEqual(['b1']);
  });
});
