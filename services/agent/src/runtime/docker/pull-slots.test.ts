import { PullSlots } from './pull-slots.ts';

function scene(atOnce: number) {
  const slots = new PullSlots(atOnce);
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const run = (name: string) => {
    const leaving = new AbortController();
    const work = () => {
      begun.push(name);
      return new Promise<void>((resolve) => ends.set(name, resolve));
    };
    const outcome = slots.run(work, leaving.signal).then(
      () => 'done',
      (error: Error) => error.message,
    );
    return { outcome, leave: () => leaving.abort(new Error('left')) };
  };
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { slots, begun, end: (name: string) => ends.get(name)?.(), run, settled };
}

describe('PullSlots', () => {
  it('lets so many run at once, and the others in their order', async () => {
    const { begun, end, run, settled } = scene(2);
    const all = ['a', 'b', 'c', 'd'].map(run);
    await settled();
    expect(begun).toEqual(['a', 'b']);
    end('b');
    await settled();
    expect(begun).toEqual(['a', 'b', 'c']);
    end('a');
    await settled();
    for (const name of ['c', 'd']) end(name);
    expect(await Promise.all(all.map(({ outcome }) => outcome))).toEqual(['done', 'done', 'done', 'done']);
  });

  it('forgets one that leaves before its turn, and loses no slot by it', async () => {
    const { begun, end, run, settled } = scene(1);
    const [, b, c] = ['a', 'b', 'c'].map(run);
    await settled();
    b?.leave();
    expect(await b?.outcome).toBe('left');
    end('a');
    await settled();
    expect(begun).toEqual(['a', 'c']);
    end('c');
    expect(await c?.outcome).toBe('done');
    run('d');
    await settled();
    expect(begun).toEqual(['a', 'c', 'd']);
  });

  it('gives the slot of a failure away', async () => {
    const { slots, begun, run, settled } = scene(1);
    const failing = slots.run(async () => Promise.reject(new Error('no')), new AbortController().signal);
    const waiting = run('a');
    await expect(failing).rejects.toThrow('no');
    await settled();
    expect(begun).toEqual(['a']);
    waiting.leave();
  });
});
