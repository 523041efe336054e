import { AppError } from '@spawner/domain';
import type { VerifyBackendRequest, VerifyBackendResponse } from '@spawner/proto/internal/agent_service';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import type { Life } from '../lifecycle/life.ts';

/** Whose agent this is. */
export interface Home {
  readonly cluster: string;
  readonly droneId: string;
}

/**
 * What an agent says of a backend to a proxy whose routes are old. Pure. A question that is meant for another
 * cluster's or drone's agent is refused: of their backends this one knows nothing, and its "no" would be wrong.
 */
export function verify(
  { cluster, droneId }: Home,
  request: VerifyBackendRequest,
  life: Life | undefined,
): VerifyBackendResponse {
  if (request.cluster !== cluster || request.droneId !== droneId)
    throw new AppError('failed_precondition', `this is the agent of ${droneId} in ${cluster}`);
  if (!life)
    return {
      state: BackendState.TERMINATED,
      local: undefined,
      network: undefined,
      endReason: EndReason.UNSPECIFIED,
    };
  const { state, local, network, endReason } = life.status;
  const ending = life.ending?.reason ?? endReason;
  const going = life.ending && state < BackendState.TERMINATING;
  return { state: going ? BackendState.TERMINATING : state, local, network, endReason: ending };
}
