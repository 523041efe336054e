/**
 * The end of `up`: a signal, or the loss of the program that started it. `up` has a session of its own, so Ctrl-C arrives once, from
 * that program, and does not reach the processes that it started.
 */
const SECOND_MEANS_IT_MS = 500;

/** Aborts at the first request. A second one, if it is not an echo of the first, calls `force` and ends the process. */
export function endSignal(force: () => void, process: NodeJS.Process = globalThis.process): AbortSignal {
  const controller = new AbortController();
  let firstAt = 0;
  const wish = () => {
    if (controller.signal.aborted) {
      if (performance.now() - firstAt < SECOND_MEANS_IT_MS) return;
      force();
      process.exit(1);
    }
    firstAt = performance.now();
    controller.abort(new Error('stopping'));
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, wish);
  process.once('disconnect', wish);
  return controller.signal;
}
