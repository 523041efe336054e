import { SchedulerServiceService } from '@spawner/proto/internal/scheduler_service';
import { createClient, type RpcClient } from '@spawner/rpc';

/** The methods of the scheduler that a gateway calls. */
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
  return createClient(SchedulerServiceService, address, 'the scheduler');
}
