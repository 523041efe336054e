import { AppError } from '@spawner/domain';
import { type VerifyBackendRequest, VerifyBackendResponse } from '@spawner/proto/internal/agent_service';
import { BackendState } from '@spawner/proto/v1/backend';
import type { Life } from '../lifecycle/life.ts';

/** The agent that a question is for. */
export type AgentIdentity = Pick<VerifyBackendRequest, 'cluster' | 'droneId'>;

/**
 * Answers a proxy whose routes are old whether a backend is still here. Pure. A question for another agent throws
 * `failed_precondition`, because this agent does not know the other's backends and would wrongly deny them.
 */
export function verify(
  home: AgentIdentity,
  request: VerifyBackendRequest,
  life?: Life,
): VerifyBackendResponse {
  const { cluster, droneId } = home;
  if (request.cluster !== cluster || request.droneId !== droneId)
    throw new AppError('failed_precondition', `this is the agent of ${droneId} in ${cluster}`);
  if (!life) return VerifyBackendResponse.fromPartial({ state: BackendState.TERMINATED });
  const { state, local, network, endReason } = life.status;
  const ending = life.ending?.reason ?? endReason;
  const isEnding = life.ending && state < BackendState.TERMINATING;
  return { state: isEnding ? BackendState.TERMINATING : state, local, network, endReason: ending };
}
