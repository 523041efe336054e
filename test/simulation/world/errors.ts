import { isAppError } from '@spawner/domain';
import { createLog, type Log } from '@spawner/service';
import { RuntimeError } from '../../../services/agent/src/runtime/runtime.ts';
import { ConnectionLost } from '../../memory-redis/connection.ts';
import type { World } from './world.ts';

/** The container engine failed, as dockerd does. Agents have to live with it. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
}

const silent = createLog('simulation', 'silent');

/** Whether the services expect errors of this kind. All others, such as a TypeError, are faults of the product. */
export function isExpected(error: unknown): boolean {
  if (isAppError(error)) return error.code !== 'internal' && error.code !== 'unimplemented';
  return error instanceof EngineError || error instanceof ConnectionLost || error instanceof RuntimeError;
}

/** A log that prints nothing and reports the unexpected errors that are logged, and every line of level error. */
export function watchedLog(who: string, world: World): Log {
  const looked = (fields: unknown, message: unknown) => {
    const error = (fields as { error?: unknown } | undefined)?.error;
    if (error !== undefined) world.see(error, `${who} logs "${String(message)}"`);
  };
  const failed = (fields: unknown, message: unknown) => {
    looked(fields, message);
    world.violate('expected-errors', `${who} logs an error: ${String(message)}`);
  };
  const log = { info: looked, warn: looked, debug: looked, error: failed, fatal: failed, child: () => log };
  return Object.assign(Object.create(silent) as Log, log);
}
