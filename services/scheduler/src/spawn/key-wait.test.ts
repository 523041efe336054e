import { crankedClock } from '@spawner/testkit';
import { type Found, waitForKey } from './key-wait.ts';

const FREE: Found = { outcome: 'exists' };

function scene(...found: Found[]) {
  const clock = crankedClock();
  const leaving = new AbortController();
  let attempts = 0;
  const attempt = async () => {
    attempts += 1;
    return found.shift() ?? FREE;
  };
  return { clock, leaving, result: waitForKey(attempt, clock, leaving.signal), attempts: () => attempts };
}

describe('waitForKey', () => {
  it('returns the first result if the key is not in the way', async () => {
    const { result, attempts } = scene();
    expect(await result).toEqual(FREE);
    expect(attempts()).toBe(1);
  });

  it('tries again after 100 ms while the holder is ending, and after 500 ms in a new store epoch', async () => {
    const { clock, result, attempts } = scene({ outcome: 'ending' }, { outcome: 'window', leftMs: 9 });
    await clock.advance(99);
    expect(attempts()).toBe(1);
    await clock.advance(1);
    expect(attempts()).toBe(2);
    await clock.advance(499);
    expect(attempts()).toBe(2);
    await clock.advance(1);
    expect(await result).toEqual(FREE);
  });

  it('rests for a fifth of its wait while the holder is ending, and never for longer than 500 ms', async () => {
    const ending = Array.from({ length: 100 }, () => ({ outcome: 'ending' }) as const);
    const { clock, leaving, attempts } = scene(...ending);
    await clock.advance(500);
    expect(attempts()).toBe(6);
    await clock.advance(100);
    expect(attempts()).toBe(7);
    await clock.advance(119);
    expect(attempts()).toBe(7);
    await clock.advance(1);
    expect(attempts()).toBe(8);
    await clock.advance(4_280);
    const inFive = attempts();
    await clock.advance(5_000);
    expect(attempts() - inFive).toBe(10);
    leaving.abort();
  });

  it('returns the last result when its caller leaves', async () => {
    const { clock, leaving, result } = scene({ outcome: 'ending' });
    await clock.advance(1);
    leaving.abort();
    expect(await result).toEqual({ outcome: 'ending' });
  });
});
