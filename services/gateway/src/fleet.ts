import { AppError, isNodeId } from '@spawner/domain';
import type { FleetMethods } from './public-api.ts';
import type { Scheduler } from './scheduler.ts';

/** spawner.v1.FleetService. */
export function fleetMethods(scheduler: Scheduler): FleetMethods {
  return {
    listDrones: (_request, { signal }) => scheduler.listDrones({}, { signal }),
    /** Throws `not_found` for an unknown drone, `failed_precondition` while it renews. */
    forgetDrone: async ({ id }, { signal }) => {
      if (!isNodeId(id)) throw new AppError('not_found', 'no such drone');
      return scheduler.forgetDrone({ id }, { signal });
    },
  };
}
