import { eventually } from '@spawner/testkit';
import { LineQueue, MOST_BYTES } from './line-queue.ts';

/** A reader that takes a batch when the test says so. */
function reader() {
  const batches: string[] = [];
  const said: string[] = [];
  let drops = 0;
  let taken: (() => void) | undefined;
  const queue = new LineQueue({
    write: (text, done) => {
      if (taken) throw new Error('the batch before has not been taken');
      batches.push(text);
      taken = done;
    },
    dropped: () => {
      drops += 1;
    },
    recovered: (count) => said.push(`${count} dropped`),
  });
  const take = () => {
    const done = taken;
    taken = undefined;
    done?.();
  };
  return { queue, batches, said, take, drops: () => drops, waits: () => taken !== undefined };
}

describe('the lines of a log', () => {
  it('go out together, in their order, after a moment', async () => {
    const { queue, batches, take } = reader();
    for (const line of ['a', 'b', 'c']) queue.add(line);
    expect(batches).toEqual([]);
    await eventually(() => batches.length === 1);
    expect(batches).toEqual(['a\nb\nc\n']);
    take();
    await queue.close();
  });

  it('go out in whole lines and pieces that a pipe takes at once', async () => {
    const { queue, batches, take, waits } = reader();
    const lines = Array.from({ length: 100 }, (_, n) => `${n} ${'ü'.repeat(100)}`);
    for (const line of lines) queue.add(line);
    while (waits()) take();
    void queue.close();
    while (waits()) take();
    expect(batches.join('')).toBe(`${lines.join('\n')}\n`);
    expect(batches.length).toBeGreaterThan(4);
    for (const batch of batches) {
      expect(Buffer.byteLength(batch)).toBeLessThanOrEqual(4_096);
      expect(batch.endsWith('\n')).toBe(true);
    }
  });

  it('are dropped and counted while no reader takes them, and reported when one does again', async () => {
    const { queue, batches, said, take, drops, waits } = reader();
    const line = 'x'.repeat(1_023);
    const room = MOST_BYTES / 1_024;
    for (let n = 0; n < room + 500; n++) queue.add(line);
    const kept = room + 500 - drops();
    // The batch that is being written does not count among those that wait.
    expect(kept - room).toBeLessThanOrEqual(4);
    expect(drops()).toBeGreaterThan(490);
    expect(said).toEqual([]);
    while (waits()) take();
    expect(said).toEqual([`${drops()} dropped`]);
    expect(batches.join('').split('\n').length - 1).toBe(kept);
    await queue.close();
  });

  it('do not delay the end if no reader takes them', async () => {
    const { queue, batches } = reader();
    queue.add('last words');
    await queue.close();
    expect(batches).toEqual(['last words\n']);
  });
});
