import type { ListDronesResponse } from '@spawner/proto/v1/fleet_service';
import { asCallersSee, type Scheduler } from './scheduler.ts';

/** spawner.v1.FleetService, whichever way it is called. */
export class Fleet {
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  async listDrones(signal: AbortSignal): Promise<ListDronesResponse> {
    try {
      const { drones } = await this.#scheduler.listDrones({}, { signal });
      return { drones };
    } catch (error) {
      throw asCallersSee(error);
    }
  }
}
