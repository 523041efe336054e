/**
 * A piece of work for many callers. Calls during a run share it, and make it run once more, so that each caller's result is
 * from after its call. `work` returns whether it has to run once more.
 */
export function coalesced(work: () => Promise<boolean>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let again = false;
  const repeat = async () => {
    try {
      do {
        again = false;
        if (await work()) again = true;
      } while (again);
    } finally {
      running = undefined;
    }
  };
  return () => {
    again = running !== undefined;
    running ??= repeat();
    return running;
  };
}
