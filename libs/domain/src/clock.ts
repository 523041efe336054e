import { setTimeout as wait } from 'node:timers/promises';

/**
 * Time as an argument. `now` is monotonic and belongs to this process alone: it is never sent to,
 * or compared with, another machine's. `wall` is for showing to people.
 */
export interface Clock {
  /** Milliseconds since an arbitrary start, never going back. */
  now(): number;
  wall(): Date;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => new Date(),
  sleep: async (ms, signal) => {
    try {
      await wait(ms, undefined, { signal });
    } catch (error) {
      throw signal?.reason ?? error;
    }
  },
};
