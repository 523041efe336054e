import type { Clock } from '@spawner/domain';
import { LogStream, type TailLogsResponse } from '@spawner/proto/v1/backend_service';
import type { Backend } from '../lifecycle/backend.ts';
import type { Drone } from '../lifecycle/drone.ts';
import { hasEnded, isRunning } from '../lifecycle/life.ts';
import type { LogOptions } from '../runtime/runtime.ts';

const LOOK_EVERY_MS = 100;

/**
 * A backend's log lines. With `follow` it waits for the program's start and ends with the program. The lines of a backend
 * that has ended, even during the wait, are the last lines in its record.
 */
export async function* linesOf(
  drone: Drone,
  backend: Backend,
  options: LogOptions,
  clock: Pick<Clock, 'sleep'>,
): AsyncGenerator<TailLogsResponse> {
  const { follow, tailLines = Number.POSITIVE_INFINITY, signal } = options;
  while (follow && !isRunning(backend.life) && !hasEnded(backend.life))
    await clock.sleep(LOOK_EVERY_MS, signal);
  if (isRunning(backend.life)) return yield* drone.runtime.logs(backend.id, options);
  const { lastLogs } = backend.life.status;
  for (const text of lastLogs.slice(Math.max(0, lastLogs.length - tailLines)))
    yield { stream: LogStream.STDOUT, text, lastOnly: true };
}
