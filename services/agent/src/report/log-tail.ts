import { systemClock } from '@spawner/domain';
import { LogStream, type TailLogsResponse } from '@spawner/proto/v1/backend_service';
import type { Backend } from '../lifecycle/backend.ts';
import type { Drone } from '../lifecycle/drone.ts';
import { hasEnded, isRunning } from '../lifecycle/life.ts';
import type { LogOptions } from '../runtime/runtime.ts';

const LOOK_EVERY_MS = 100;

/**
 * A backend's lines. Following begins before its program does: it waits for the start, and ends
 * with the program. Of one that has ended, though meanwhile, they are the last lines that are kept.
 */
export async function* linesOf(
  drone: Drone,
  backend: Backend,
  options: LogOptions,
): AsyncGenerator<TailLogsResponse> {
  const { follow, tailLines = Number.POSITIVE_INFINITY, signal } = options;
  while (follow && !isRunning(backend.life) && !hasEnded(backend.life))
    await systemClock.sleep(LOOK_EVERY_MS, signal);
  if (isRunning(backend.life)) return yield* drone.runtime.logs(backend.id, options);
  const { lastLogs } = backend.life.status;
  for (const text of lastLogs.slice(Math.max(0, lastLogs.length - tailLines)))
    yield { stream: LogStream.STDOUT, text };
}
