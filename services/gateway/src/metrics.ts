import { counter, durations } from '@spawner/service';

/** The metrics of a gateway. To be created after the meter provider has started. */
export interface Metrics {
  http(operation: string, code: string): void;
  grpc(method: string, code: string): void;
  /** `outcome`: `placed`, `held` or `failed`. */
  spawned(seconds: number, outcome: string): void;
}

export function createMetrics(): Metrics {
  const http = counter('spawner.gateway.http.requests', 'HTTP requests to the API by operation and status');
  const grpc = counter('spawner.gateway.grpc.requests', 'gRPC calls by method and status');
  const spawns = durations('spawner.gateway.spawn.duration', 'From a spawn request to its answer');
  return {
    http: (operation, code) => http({ operation, code }),
    grpc: (method, code) => grpc({ method, code }),
    spawned: (seconds, outcome) => spawns(seconds, { outcome }),
  };
}
