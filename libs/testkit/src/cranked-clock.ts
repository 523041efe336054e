/**
 * A clock that moves only when a test turns its handle. Code under test sleeps on it as on the real one; the test decides
 * when time moves, so hours pass in no time and always in the same order.
 */
// Lets every promise that can settle without time or I/O do so.
import { setImmediate as quiet } from 'node:timers/promises';
import type { Clock } from '@spawner/domain';

interface Sleeper {
  due: number;
  wake: () => void;
}

export interface CrankedClock extends Clock {
  /**
   * Moves time forward by `ms` and wakes every sleeper that comes due, in order of time, each at its own moment. The next
   * wakes when the last has done its work. A new sleep may come due in the same turn.
   */
  advance(ms: number): Promise<void>;
  /** How many sleeps are pending. */
  readonly sleeping: number;
}

/** A clock at `now` 0 (ms, monotonic) and the given wall time. */
export function crankedClock(start = new Date('2024-01-01T00:00:00Z')): CrankedClock {
  const sleepers = new Set<Sleeper>();
  let now = 0;

  const earliest = (until: number) =>
    [...sleepers].sort((a, b) => a.due - b.due).find(({ due }) => due <= until);

  return {
    now: () => now,
    wall: () => new Date(start.getTime() + now),
    get sleeping() {
      return sleepers.size;
    },
    sleep: (ms, signal) =>
      new Promise<void>((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const abort = () => {
          sleepers.delete(sleeper);
          reject(signal?.reason);
        };
        const sleeper: Sleeper = {
          due: now + Math.max(ms, 0),
          wake: () => {
            sleepers.delete(sleeper);
            signal?.removeEventListener('abort', abort);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', abort, { once: true });
      }),
    async advance(ms) {
      const target = now + ms;
      await quiet();
      for (let next = earliest(target); next; next = earliest(target)) {
        now = next.due;
        next.wake();
        await quiet();
      }
      now = target;
    },
  };
}
