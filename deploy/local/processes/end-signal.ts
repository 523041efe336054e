/**
 * When `up` is to end: a signal, or the loss of the program that started us. We have a session of our own, so Ctrl-C
 * comes once, from that program, and not also to every process that we have started.
 */
const SECOND_MEANS_IT_MS = 500;

/** Aborts at the first wish; a second one, not at once after it, calls `force` and ends the process. */
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
    controller.abort(new Error('told to stop'));
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, wish);
  process.once('disconnect', wish);
  return controller.signal;
}
