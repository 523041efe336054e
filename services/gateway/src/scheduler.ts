import { AppError, isAppError } from '@spawner/domain';
import { SchedulerServiceService } from '@spawner/proto/internal/scheduler_service';
import { createClient, type RpcClient } from '@spawner/rpc';

/** The scheduler as the gateway sees it: everything but what nodes use. */
export type Scheduler = Pick<
  RpcClient<typeof SchedulerServiceService>,
  | 'spawnBackend'
  | 'getBackend'
  | 'listBackends'
  | 'explainBackend'
  | 'terminateBackend'
  | 'createConnectionToken'
  | 'revokeConnectionTokens'
  | 'tailLogs'
  | 'listDrones'
  | 'forgetDrone'
>;

export function connectScheduler(address: string): Scheduler & { close(): void } {
  return createClient(SchedulerServiceService, address);
}

// What grpc-js says when there is no connection. It names addresses inside the cluster, which callers of
// the public API are not told.
const NO_CONNECTION = /No connection established|Connection dropped|Name resolution failed|\bE[A-Z]{4,}\b/;

/** A failed call as callers may see it. */
export function asCallersSee(error: unknown): unknown {
  if (!isAppError(error, 'unavailable') || !NO_CONNECTION.test(error.message)) return error;
  return new AppError('unavailable', 'the scheduler cannot be reached; try again', { cause: error });
}
