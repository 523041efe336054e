import { counter, durations } from '@spawner/service';

export type Metrics = ReturnType<typeof createMetrics>;

/** The metrics of a gateway. To be created after the meter provider has started. */
export function createMetrics() {
  const http = counter('spawner.gateway.http.requests', 'HTTP requests to the API by operation and status');
  const grpc = counter('spawner.gateway.grpc.requests', 'gRPC calls by method and status');
  const spawns = durations('spawner.gateway.spawn.duration', 'From a spawn request to its answer');
  return {
    http: (operation: string, code: string) => http({ operation, code }),
    grpc: (method: string, code: string) => grpc({ method, code }),
    /** `outcome`: `placed`, `held` or `failed`. */
    spawned: (seconds: number, outcome: string) => spawns(seconds, { outcome }),
  };
}
