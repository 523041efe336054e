import { Semaphore } from './semaphore.ts';

describe('a semaphore', () => {
  it('runs so many at once, and the others in order of arrival', async () => {
    const semaphore = new Semaphore(2);
    const begun: number[] = [];
    const finish = new Map<number, () => void>();
    const runs = [1, 2, 3, 4].map((who) =>
      semaphore.run(() => {
        begun.push(who);
        return new Promise<number>((resolve) => finish.set(who, () => resolve(who)));
      }),
    );
    expect(begun).toEqual([1, 2]);
    finish.get(2)?.();
    await runs[1];
    expect(begun).toEqual([1, 2, 3]);
    for (const who of [1, 3]) finish.get(who)?.();
    await Promise.all([runs[0], runs[2]]);
    finish.get(4)?.();
    await expect(Promise.all(runs)).resolves.toEqual([1, 2, 3, 4]);
  });

  it('frees the place of a failure', async () => {
    const semaphore = new Semaphore(1);
    const failing = semaphore.run(() => Promise.reject(new Error('no')));
    const next = semaphore.run(async () => 'done');
    await expect(failing).rejects.toThrow('no');
    await expect(next).resolves.toBe('done');
  });
});
