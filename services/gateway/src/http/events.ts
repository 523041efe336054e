import type { Clock } from '@spawner/domain';
import { writeJson } from '@spawner/proto';
import type { WatchBackendResponse } from '@spawner/proto/v1/backend_service';
import { ALWAYS } from './shapes.ts';

/** A comment this often keeps intermediaries from taking a quiet stream for a dead one. */
const HEARTBEAT_MS = 15_000;

/** Server-sent events (WHATWG HTML §9.2) of a watch: `id` is the revision, `data` the backend. */
export async function* eventStream(
  records: AsyncIterable<WatchBackendResponse>,
  clock: Clock,
): AsyncGenerator<string> {
  yield 'retry: 1000\n\n';
  const source = records[Symbol.asyncIterator]();
  try {
    let next = source.next();
    for (;;) {
      const step = await orHeartbeat(next, clock);
      if (step === 'heartbeat') {
        yield ':\n\n';
        continue;
      }
      if (step.done) return;
      const { backend } = step.value;
      if (backend) {
        const data = JSON.stringify(writeJson('spawner.v1.Backend', backend, ALWAYS));
        yield `id: ${backend.revision}\ndata: ${data}\n\n`;
      }
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

/** The revision that a Last-Event-ID header names; 0 when it names none. */
export function revisionOf(lastEventId: string | string[] | undefined): number {
  const revision =
    typeof lastEventId === 'string' && /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : 0;
  return revision;
}
