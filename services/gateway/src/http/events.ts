import type { Clock } from '@spawner/domain';
import { writeJson } from '@spawner/proto';
import type { WatchBackendResponse } from '@spawner/proto/v1/backend_service';
import { withHeartbeat } from './heartbeat.ts';
import { ALWAYS } from './shapes.ts';

/** Server-sent events (WHATWG HTML §9.2) of a watch: `id` is the revision, `data` the backend; a comment where it is quiet. */
export async function* eventStream(
  records: AsyncIterable<WatchBackendResponse>,
  clock: Clock,
): AsyncGenerator<string> {
  yield 'retry: 1000\n\n';
  yield* withHeartbeat(records, event, ':\n\n', clock);
}

function event({ backend }: WatchBackendResponse): string {
  if (!backend) return '';
  const data = JSON.stringify(writeJson('spawner.v1.Backend', backend, ALWAYS));
  return `id: ${backend.revision}\ndata: ${data}\n\n`;
}

/** The revision that a Last-Event-ID header names; 0 when it names none. */
export function revisionOf(lastEventId: string | string[] | undefined): number {
  return typeof lastEventId === 'string' && /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : 0;
}
