import type { Clock } from '@spawner/domain';

/** This often something is sent, so that neither intermediaries nor a client's own timeout take a quiet stream for a dead one. */
const HEARTBEAT_MS = 15_000;

/** What is written of each part, and `beat` whenever the source has had nothing for 15 seconds. Ends its source when it is left. */
export async function* withHeartbeat<T>(
  parts: AsyncIterable<T>,
  write: (part: T) => string,
  beat: string,
  clock: Clock,
): AsyncGenerator<string> {
  const source = parts[Symbol.asyncIterator]();
  try {
    let next = source.next();
    for (;;) {
      const step = await orHeartbeat(next, clock);
      if (step === 'heartbeat') {
        yield beat;
        continue;
      }
      if (step.done) return;
      const text = write(step.value);
      if (text !== '') yield text;
      next = source.next();
    }
  } finally {
    await source.return?.();
  }
}

async function orHeartbeat<T>(next: Promise<T>, clock: Clock): Promise<T | 'heartbeat'> {
  const over = new AbortController();
  const beat = clock.sleep(HEARTBEAT_MS, over.signal).then(
    () => 'heartbeat' as const,
    () => 'heartbeat' as const,
  );
  try {
    return await Promise.race([next, beat]);
  } finally {
    over.abort();
  }
}
