import { AppError, isNodeId } from '@spawner/domain';
import type { ForgetDroneResponse, ListDronesResponse } from '@spawner/proto/v1/fleet_service';
import type { Scheduler } from './scheduler.ts';

/** spawner.v1.FleetService for both transports. */
export class Fleet {
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  async listDrones(signal: AbortSignal): Promise<ListDronesResponse> {
    const { drones } = await this.#scheduler.listDrones({}, { signal });
    return { drones };
  }

  /** Gives a drone up. Throws `not_found` for an unknown one, `failed_precondition` while it renews. */
  async forgetDrone(id: string, signal: AbortSignal): Promise<ForgetDroneResponse> {
    if (!isNodeId(id)) throw new AppError('not_found', 'no such drone');
    const { endedIds } = await this.#scheduler.forgetDrone({ id }, { signal });
    return { endedIds };
  }
}
