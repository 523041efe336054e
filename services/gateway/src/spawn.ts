import { AppError, backoffMs, type Clock, DEADLINES, isAppError, newBackendId } from '@spawner/domain';
import type { Backend, BackendSpec } from '@spawner/proto/v1/backend';
import { asCallersSee, type Scheduler } from './scheduler.ts';

/** Longer than the scheduler gives a drone to take a backend over, so that its own answer arrives. */
const CALL_MS = DEADLINES.call + 2_000;
/** No new attempt begins after this long. */
const BUDGET_MS = 15_000;
const IDS = 3;

export interface SpawnParts {
  scheduler: Scheduler;
  clock: Clock;
  randomBytes: (count: number) => Uint8Array;
}

/**
 * Has a backend placed. An attempt whose outcome is not known is made once more under the same id, which
 * is the same spawn; where a drone did not take the backend, a new id is tried, three in all. The
 * signal, the caller's, stops further attempts.
 */
export async function placeBackend(
  parts: SpawnParts,
  spec: BackendSpec,
  signal: AbortSignal,
): Promise<Backend> {
  const began = parts.clock.now();
  for (let tried = 1; ; tried++) {
    try {
      return await placeOnce(parts, newBackendId(parts.randomBytes), spec, signal);
    } catch (error) {
      const again = isRefusedByDrone(error) && tried < IDS && parts.clock.now() - began < BUDGET_MS;
      if (!again || signal.aborted) throw asCallersSee(error);
    }
  }
}

async function placeOnce(
  parts: SpawnParts,
  id: string,
  spec: BackendSpec,
  signal: AbortSignal,
): Promise<Backend> {
  const call = async () => {
    const { backend } = await parts.scheduler.spawnBackend({ id, spec }, { timeoutMs: CALL_MS });
    if (!backend) throw new AppError('internal', 'the scheduler answered without a backend');
    return backend;
  };
  try {
    return await call();
  } catch (error) {
    const unknown = isAppError(error, 'unavailable', 'deadline') && !isRefusedByDrone(error);
    if (!unknown || signal.aborted) throw error;
    await parts.clock.sleep(backoffMs(0, Math.random), signal);
    return call();
  }
}

/** The scheduler begins such an answer with the drone; the reservation is undone, so the id is spent. */
function isRefusedByDrone(error: unknown): boolean {
  return isAppError(error, 'unavailable') && /^drone\b/i.test(error.message);
}
