import { crankedClock } from './cranked-clock.ts';

describe('a cranked clock', () => {
  it('does not move until it is advanced', async () => {
    const clock = crankedClock(new Date('2024-01-01T00:00:00Z'));
    await clock.advance(1500);
    expect(clock.now()).toBe(1500);
    expect(clock.wall().toISOString()).toBe('2024-01-01T00:00:01.500Z');
  });

  it('wakes sleepers in order of time, each at its own moment, and no others', async () => {
    const clock = crankedClock();
    const woken: string[] = [];
    for (const ms of [30, 10, 20, 41]) clock.sleep(ms).then(() => woken.push(`${ms} at ${clock.now()}`));
    await clock.advance(40);
    expect(woken).toEqual(['10 at 10', '20 at 20', '30 at 30']);
    expect(clock.sleeping).toBe(1);
  });

  it('runs a loop as often as the time that passed allows', async () => {
    const clock = crankedClock();
    const turns: number[] = [];
    const stop = new AbortController();
    const loop = (async () => {
      while (!stop.signal.aborted) {
        await clock.sleep(100, stop.signal);
        turns.push(clock.now());
      }
    })();
    await clock.advance(350);
    expect(turns).toEqual([100, 200, 300]);
    stop.abort(new Error('enough'));
    await expect(loop).rejects.toThrow('enough');
    expect(clock.sleeping).toBe(0);
  });

  it('refuses to sleep for an aborted signal', async () => {
    await expect(crankedClock().sleep(1, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  });
});
