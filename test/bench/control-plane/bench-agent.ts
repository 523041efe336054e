import { AgentServiceService, type StartBackendRequest } from '@spawner/proto/internal/agent_service';
import { implement } from '@spawner/rpc';

/** An agent for benchmarks: it accepts backends and reports none. */
export function benchAgent(start: (request: StartBackendRequest) => void) {
  const nothing = async () => {
    throw new Error('an agent of a benchmark has no backends');
  };
  return implement(AgentServiceService, {
    startBackend: async (request) => {
      start(request);
      return {};
    },
    stopBackend: async () => ({}),
    listBackends: async () => ({ backends: [] }),
    explainBackend: nothing,
    verifyBackend: nothing,
    tailLogs: async function* () {},
  });
}
