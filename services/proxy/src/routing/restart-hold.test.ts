import { crankedClock } from '@spawner/testkit';
import { HoldQueue } from './hold-queue.ts';
import { RestartHold } from './restart-hold.ts';

/** A request that waits for 2 s, and the times at which it was dialled again. */
function scene(heldTotal = 1) {
  const clock = crankedClock();
  const holds = new HoldQueue(clock, { heldPerBackend: 5, heldTotal });
  const state = { isOpen: true, dialled: [] as number[], over: false };
  const hold = new RestartHold({ holds, clock, isOpen: () => state.isOpen }, 'a', 2_000);
  const run = async () => {
    while (await hold.pause()) state.dialled.push(clock.now());
    state.over = true;
  };
  void run();
  return { clock, holds, hold, state };
}

describe('the hold of a request whose backend restarts', () => {
  it('dials soon at first, then four times a second, and a last time when it is over', async () => {
    const { clock, state } = scene();
    await clock.advance(1_999);
    expect(state.dialled).toEqual([50, 150, 350, 600, 850, 1_100, 1_350, 1_600, 1_850]);
    expect(state.over).toBe(false);
    await clock.advance(1);
    expect([state.dialled.at(-1), state.over]).toEqual([2_000, true]);
    expect(clock.sleeping).toBe(0);
  });

  it('is over when the backend has ended, not at another change of its route', async () => {
    const { clock, holds, state } = scene();
    await clock.advance(10);
    holds.release('a');
    await clock.advance(0);
    expect([state.dialled, state.over]).toEqual([[10], false]);
    state.isOpen = false;
    holds.release('a');
    await clock.advance(0);
    expect([state.dialled, state.over]).toEqual([[10], true]);
  });

  it('is over when the client leaves, the queue is full, or the proxy drains', async () => {
    const left = scene();
    left.hold.leave();
    const full = scene(0);
    const draining = scene();
    draining.holds.close();
    for (const { clock, state } of [left, full, draining]) {
      await clock.advance(0);
      expect(state).toEqual({ isOpen: true, dialled: [], over: true });
    }
  });
});
