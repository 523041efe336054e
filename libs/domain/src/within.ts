import type { Clock } from './clock.ts';

/**
 * Runs `work` with a signal that aborts after `ms` of the clock, or when `outer` aborts. Work that ignores its signal is
 * not cut short. The timer ends with the work.
 */
export async function within<T>(
  clock: Pick<Clock, 'sleep'>,
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
  outer?: AbortSignal,
): Promise<T> {
  const late = new AbortController();
  const done = new AbortController();
  clock.sleep(ms, done.signal).then(
    () => late.abort(new Error(`not done within ${ms} ms`)),
    () => {},
  );
  try {
    return await work(outer ? AbortSignal.any([outer, late.signal]) : late.signal);
  } finally {
    done.abort(new Error('done'));
  }
}
