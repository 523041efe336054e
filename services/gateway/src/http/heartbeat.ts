import { type Clock, DEADLINES } from '@spawner/domain';

/**
 * Yields the text of each part, and `beat` after every `streamHeartbeat` of silence, so that neither intermediaries nor clients
 * take a quiet stream for a dead one. Leaving the loop ends the source.
 */
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
  const slept = clock.sleep(DEADLINES.streamHeartbeat, over.signal).catch(() => {});
  const beat = slept.then(() => 'heartbeat' as const);
  try {
    return await Promise.race([next, beat]);
  } finally {
    over.abort();
  }
}
