import { BackendServiceService } from '@spawner/proto/v1/backend_service';
import { FleetServiceService } from '@spawner/proto/v1/fleet_service';
import { implement, type RpcServer, type RpcServerOptions, serveRpc } from '@spawner/rpc';
import type { PublicApi } from './public-api.ts';

const LARGEST_MESSAGE = 1024 * 1024;

/** The public API over gRPC, with health and reflection. */
export function serveGrpc(api: PublicApi, options: Omit<RpcServerOptions, 'services'>): Promise<RpcServer> {
  return serveRpc({
    ...options,
    services: [implement(BackendServiceService, api), implement(FleetServiceService, api)],
    reflection: true,
    traceRoots: true,
    maxMessageBytes: LARGEST_MESSAGE,
  });
}
