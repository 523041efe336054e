import {
  AppError,
  type Clock,
  keyViolations,
  parseBackendId,
  refuseViolations,
  specViolations,
} from '@spawner/domain';
import { AgentServiceService, type StartBackendRequest } from '@spawner/proto/internal/agent_service';
import { BackendState } from '@spawner/proto/v1/backend';
import { type Implementation, implement } from '@spawner/rpc';
import { verified } from './idle/usage.ts';
import type { Backend } from './lifecycle/backend.ts';
import type { Drone } from './lifecycle/drone.ts';
import { explain } from './report/explain.ts';
import { linesOf } from './report/log-tail.ts';
import { type AgentIdentity, verify } from './report/verify.ts';

/** spawner.internal.v1.AgentService, for the scheduler, and for proxies that verify a backend. */
export function agentService(drone: Drone, identity: AgentIdentity, clock: Clock): Implementation {
  return implement(AgentServiceService, {
    startBackend: async (request) => {
      checkStart(request, drone.registration);
      drone.start(request);
      return {};
    },
    stopBackend: async (request) => {
      parseBackendId(request.id);
      drone.stop(request);
      return {};
    },
    listBackends: async () => ({ backends: drone.inventory() }),
    explainBackend: async ({ id }) => {
      const backend = found(drone, id);
      return explain(backend, clock.now(), drone.starts.order(), drone.pullOf(backend));
    },
    async *tailLogs({ id, follow, tailLines }, { signal }) {
      const backend = found(drone, id);
      if (tailLines !== undefined && tailLines < 0)
        throw new AppError('invalid', 'tail_lines: must not be negative');
      for await (const line of linesOf(drone, backend, { follow, tailLines, signal }, clock)) yield { line };
    },
    verifyBackend: async (request) => {
      const backend = drone.find(parseBackendId(request.id));
      const answer = verify(identity, request, backend?.life);
      if (backend && answer.state === BackendState.READY)
        backend.usage = verified(backend.usage, request.proxyId, clock.now());
      return answer;
    },
  });
}

function checkStart(request: StartBackendRequest, registration: number): void {
  parseBackendId(request.id);
  if (registration === 0 || request.registration !== registration)
    throw new AppError('failed_precondition', 'not the current registration of this drone');
  if (request.key) refuseViolations(keyViolations(request.key));
  if (request.spec) refuseViolations(specViolations(request.spec));
}

function found(drone: Drone, id: string): Backend {
  const backend = drone.find(parseBackendId(id));
  if (!backend) throw new AppError('not_found', 'no such backend on this drone');
  return backend;
}
