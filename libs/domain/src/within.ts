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

/**
 * Settles as `work` does, or as `late` does if that takes longer than `ms` of the system's clock; by default it rejects then.
 * The timer ends with the work.
 */
export function inTime<T, L = never>(work: Promise<T>, ms: number, late?: () => L): Promise<T | L> {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<L>((resolve, reject) => {
    const refuse = () => reject(new Error(`no answer within ${ms} ms`));
    timer = setTimeout(() => (late ? resolve(late()) : refuse()), ms);
  });
  return Promise.race([work, passed]).finally(() => clearTimeout(timer));
}
