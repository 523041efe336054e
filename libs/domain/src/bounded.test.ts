import { mapBounded } from './bounded.ts';

describe('mapBounded', () => {
  it('runs at most so many at once, and keeps the order', async () => {
    let [running, most] = [0, 0];
    const waiting: (() => void)[] = [];
    const work = async (item: number) => {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        // The last begun ends first.
        if (waiting.length === 3 || item > 7)
          for (let done = waiting.pop(); done; done = waiting.pop()) done();
      });
      running--;
      return item * 2;
    };
    const items = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    await expect(mapBounded(items, 3, work)).resolves.toEqual(items.map((item) => item * 2));
    expect(most).toBe(3);
  });

  it('starts no more after a failure, and throws it once the rest has settled', async () => {
    const begun: number[] = [];
    let settled = false;
    const work = async (item: number) => {
      begun.push(item);
      if (item === 1) throw new Error('no');
      await new Promise((resolve) => setImmediate(resolve));
      settled = true;
    };
    await expect(mapBounded([1, 2, 3, 4], 2, work)).rejects.toThrow('no');
    expect([begun, settled]).toEqual([[1, 2], true]);
  });

  it('returns no results for no items', async () => {
    await expect(mapBounded([], 5, async () => 1)).resolves.toEqual([]);
  });
});
