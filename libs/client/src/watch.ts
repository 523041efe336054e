import { SpawnerError } from './errors.ts';
import { eventsOf } from './events.ts';
import type { Http } from './http.ts';
import type { Backend } from './types.ts';

/** A stream silent for this long is dead: the gateway sends a heartbeat every 15 s. */
export const QUIET_MS = 45_000;
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 5_000;

export interface WatchOptions {
  signal?: AbortSignal;
  /** Skips this revision and those before it. */
  afterRevision?: number;
}

/**
 * Every step of a backend's life, from the first or after `afterRevision`; ends after TERMINATED. It resumes after a broken
 * connection, and throws a refusal.
 */
export async function* watch(
  http: Http,
  id: string,
  { signal, afterRevision = 0 }: WatchOptions = {},
): AsyncGenerator<Backend> {
  let seen = afterRevision;
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted();
    try {
      for await (const backend of connection(http, id, seen, signal)) {
        if (backend === 'ended') return;
        attempt = 0;
        seen = backend.revision;
        yield backend;
        if (backend.state === 'TERMINATED') return;
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof SpawnerError && error.status >= 400 && error.status < 500) throw error;
    }
    await pause(Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempt, 10)), signal);
  }
}

async function* connection(
  http: Http,
  id: string,
  seen: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Backend | 'ended'> {
  const headers = { accept: 'text/event-stream', ...(seen > 0 ? { 'last-event-id': String(seen) } : {}) };
  const response = await http.open(`/v1/backends/${encodeURIComponent(id)}/events`, { headers, signal });
  if (response.status === 204 || !response.body) yield 'ended';
  else for await (const { data } of eventsOf(response.body, QUIET_MS)) yield JSON.parse(data) as Backend;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
