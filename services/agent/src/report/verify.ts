import { AppError } from '@spawner/domain';
import type { VerifyBackendRequest, VerifyBackendResponse } from '@spawner/proto/internal/agent_service';
import { BackendState, EndReason } from '@spawner/proto/v1/backend';
import type { Life } from '../lifecycle/life.ts';

/** The agent that a question is for. */
export interface AgentIdentity {
  readonly cluster: string;
  readonly droneId: string;
}

/**
 * Answers a proxy whose routes are old whether a backend is still here. Pure. A question for another agent throws
 * `failed_precondition`, because this agent does not know the other's backends and would wrongly deny them.
 */
export function verify(
  { cluster, droneId }: AgentIdentity,
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
  const isEnding = life.ending && state < BackendState.TERMINATING;
  return { state: isEnding ? BackendState.TERMINATING : state, local, network, endReason: ending };
}
