import { ERROR_CODES, isAppError } from '@spawner/domain';
import { BackendServiceService } from '@spawner/proto/v1/backend_service';
import { FleetServiceService } from '@spawner/proto/v1/fleet_service';
import { type CallContext, implement, type RpcServer, serveRpc } from '@spawner/rpc';
import { counter, type Log } from '@spawner/service';
import type { Backends } from './backends.ts';
import type { Fleet } from './fleet.ts';
import { requestType } from './requests.ts';
import { refuseUnreadable, strictRequests } from './strict-requests.ts';

export interface GrpcOptions {
  address: string;
  port: number;
  log: Log;
}

const LARGEST_MESSAGE = 1024 * 1024;

/** The public API over gRPC, with health and reflection. */
export function serveGrpc(backends: Backends, fleet: Fleet, options: GrpcOptions): Promise<RpcServer> {
  const count = counter('spawner.gateway.grpc.requests', 'gRPC calls by method and status');

  const unary =
    <Q extends object, A>(
      method: string,
      work: (request: Q, signal: AbortSignal, timeLeftMs: number) => Promise<A>,
    ) =>
    async (request: Q, { signal, timeLeftMs }: CallContext): Promise<A> => {
      let code = 'OK';
      try {
        refuseUnreadable(request);
        return await work(request, signal, timeLeftMs());
      } catch (error) {
        code = codeOf(error);
        throw error;
      } finally {
        count({ method, code });
      }
    };

  const stream = <Q extends object, A>(
    method: string,
    work: (request: Q, signal: AbortSignal) => AsyncIterable<A>,
  ) =>
    async function* (request: Q, { signal }: CallContext): AsyncGenerator<A> {
      let code = 'OK';
      try {
        refuseUnreadable(request);
        yield* work(request, signal);
      } catch (error) {
        code = codeOf(error);
        throw error;
      } finally {
        count({ method, code });
      }
    };

  const backendService = implement(strictRequests(BackendServiceService, requestType), {
    spawnBackend: unary('SpawnBackend', (request, signal, timeLeftMs) =>
      backends.spawn(request, signal, timeLeftMs),
    ),
    getBackend: unary('GetBackend', (request, signal) => backends.get(request, signal)),
    listBackends: unary('ListBackends', (request, signal) => backends.list(request, signal)),
    explainBackend: unary('ExplainBackend', (request, signal) => backends.explain(request, signal)),
    watchBackend: stream('WatchBackend', (request, signal) => backends.watch(request, signal)),
    tailLogs: stream('TailLogs', (request, signal) => backends.logs(request, signal)),
    terminateBackend: unary('TerminateBackend', (request, signal) => backends.terminate(request, signal)),
  });
  const fleetService = implement(strictRequests(FleetServiceService, requestType), {
    listDrones: unary('ListDrones', (_request, signal) => fleet.listDrones(signal)),
    forgetDrone: unary('ForgetDrone', ({ id }, signal) => fleet.forgetDrone(id, signal)),
  });
  return serveRpc({
    ...options,
    services: [backendService, fleetService],
    reflection: true,
    traceRoots: true,
    maxMessageBytes: LARGEST_MESSAGE,
  });
}

function codeOf(error: unknown): string {
  return ERROR_CODES[isAppError(error) ? error.code : 'internal'].name;
}
