import { BackendServiceService } from '@spawner/proto/v1/backend_service';
import { FleetServiceService } from '@spawner/proto/v1/fleet_service';
import { implement, type RpcServer, serveRpc } from '@spawner/rpc';
import type { Log } from '@spawner/service';
import type { Metrics } from './metrics.ts';
import type { PublicApi } from './public-api.ts';

export interface GrpcOptions {
  address: string;
  port: number;
  log: Log;
  metrics: Pick<Metrics, 'grpc'>;
}

const LARGEST_MESSAGE = 1024 * 1024;

/** The public API over gRPC, with health and reflection. */
export function serveGrpc({ backends, tokens, fleet }: PublicApi, options: GrpcOptions): Promise<RpcServer> {
  const backendService = implement(BackendServiceService, {
    spawnBackend: (request, { signal, timeLeftMs }) => backends.spawn(request, signal, timeLeftMs()),
    getBackend: (request, { signal }) => backends.get(request, signal),
    listBackends: (request, { signal }) => backends.list(request, signal),
    explainBackend: (request, { signal }) => backends.explain(request, signal),
    watchBackend: (request, { signal }) => backends.watch(request, signal),
    tailLogs: (request, { signal }) => backends.logs(request, signal),
    terminateBackend: (request, { signal }) => backends.terminate(request, signal),
    createConnectionToken: (request, { signal }) => tokens.create(request, signal),
    revokeConnectionTokens: (request, { signal }) => tokens.revoke(request, signal),
  });
  const fleetService = implement(FleetServiceService, {
    listDrones: (_request, { signal }) => fleet.listDrones(signal),
    forgetDrone: ({ id }, { signal }) => fleet.forgetDrone(id, signal),
  });
  return serveRpc({
    ...options,
    services: [backendService, fleetService],
    reflection: true,
    traceRoots: true,
    maxMessageBytes: LARGEST_MESSAGE,
    answered: options.metrics.grpc,
  });
}
