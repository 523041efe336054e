import { SchedulerServiceService } from '@spawner/proto/internal/scheduler_service';
import { createClient, type RpcClient } from '@spawner/rpc';

export type Scheduler = RpcClient<typeof SchedulerServiceService>;

export function connectScheduler(address: string): Scheduler {
  return createClient(SchedulerServiceService, address, 'the scheduler');
}
