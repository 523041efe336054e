import { systemClock } from '@spawner/domain';
import type { TailLogsResponse } from '@spawner/proto/v1/backend_service';
import type { Backend } from './backend.ts';
import type { Drone } from './drone.ts';
import { hasEnded, isRunning } from './life.ts';
import type { LogOptions } from './runtime.ts';

const LOOK_EVERY_MS = 100;

/**
 * A living backend's lines. Following begins before its program does: it waits for the start, and ends
 * with the program.
 */
export async function* linesOf(
  drone: Drone,
  backend: Backend,
  options: LogOptions,
): AsyncGenerator<TailLogsResponse> {
  const { follow, signal } = options;
  while (follow && !isRunning(backend.life) && !hasEnded(backend.life))
    await systemClock.sleep(LOOK_EVERY_MS, signal);
  if (isRunning(backend.life)) yield* drone.runtime.logs(backend.id, options);
}
