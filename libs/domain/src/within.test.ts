import { systemClock } from './clock.ts';
import { inTime, within } from './within.ts';

const aborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

describe('within', () => {
  it('aborts the signal of work that takes too long', async () => {
    await expect(within(systemClock, 1, aborted)).rejects.toThrow('not done within 1 ms');
  });

  it('aborts the signal when the outer one aborts', async () => {
    const outer = new AbortController();
    const working = within(systemClock, 60_000, aborted, outer.signal);
    outer.abort(new Error('stopping'));
    await expect(working).rejects.toThrow('stopping');
  });

  it('ends its timer with the work, and leaves the signal alone', async () => {
    const sleeps: AbortSignal[] = [];
    const clock = {
      sleep: (_: number, signal?: AbortSignal) => {
        if (signal) sleeps.push(signal);
        return new Promise<void>(() => {});
      },
    };
    const signal = await within(clock, 1, async (own) => own);
    expect([sleeps[0]?.aborted, signal.aborted]).toEqual([true, false]);
  });
});

describe('inTime', () => {
  const never = new Promise<never>(() => {});

  it('settles as the work does', async () => {
    const late = () => 'late';
    expect(await inTime(Promise.resolve('done'), 60_000, late)).toBe('done');
    await expect(inTime(Promise.reject(new Error('failed')), 60_000, late)).rejects.toThrow('failed');
  });

  it('settles as `late` does if the work takes too long', async () => {
    expect(await inTime(never, 1, () => 'late')).toBe('late');
    await expect(inTime(never, 1)).rejects.toThrow('no answer within 1 ms');
  });
});
