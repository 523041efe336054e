import { mostOutOfOrder } from './crowd.ts';

const served = (...times: number[]) => times.map((servedMs) => ({ id: '', status: 200, servedMs }));

describe('mostOutOfOrder', () => {
  it('is 0 if everyone was served in the order of the calls', () => {
    expect(mostOutOfOrder(served(1, 2, 3))).toBe(0);
    expect(mostOutOfOrder([])).toBe(0);
  });

  it('is the distance of the one that waited longest, or came first, out of turn', () => {
    expect(mostOutOfOrder(served(2, 1, 3))).toBe(1);
    expect(mostOutOfOrder(served(9, 1, 2, 3))).toBe(3);
    expect(mostOutOfOrder(served(2, 3, 4, 1))).toBe(3);
  });
});
