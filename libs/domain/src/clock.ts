import { setTimeout as wait } from 'node:timers/promises';

/**
 * Time as an argument. `now` is monotonic and valid in this process alone: it is never compared with another machine's. `wall` is
 * for display.
 */
export interface Clock {
  /** Milliseconds since an arbitrary start, never going back. */
  now(): number;
  wall(): Date;
  /** Resolves after `ms`. Rejects with the signal's reason if that aborts first. */
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
