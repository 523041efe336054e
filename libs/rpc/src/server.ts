import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { promisify } from 'node:util';
import {
  type ServiceDefinition as GrpcServiceDefinition,
  type Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type StatusObject,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { ReflectionService } from '@grpc/reflection';
import { AppError, ERROR_CODES, isAppError } from '@spawner/domain';
import { fileDescriptors } from '@spawner/proto';
import { extractTrace, inSpanOf, type Log, ROOT_CONTEXT } from '@spawner/service';
import { HealthImplementation } from 'grpc-health-check';
import type { CallContext, Implementation } from './service.ts';
import { toStatus } from './status.ts';
import { refuseUnreadable, strictRequests } from './strict-requests.ts';

/** Milliseconds reserved from a caller's deadline to still answer with the true cause: a tenth of it, within these bounds. */
const KEPT_TO_ANSWER = { least: 20, most: 200 };

export interface RpcServerOptions {
  address: string;
  port: number;
  log: Log;
  services: readonly Implementation[];
  /** Also creates spans for calls without a trace. */
  traceRoots?: boolean;
  /** Serves reflection (gRPC Server Reflection v1 and v1alpha). */
  reflection?: boolean;
  /** Largest message accepted, in bytes. */
  maxMessageBytes?: number;
  /** Called after every call with the names of its method and status, such as `OK`. */
  answered?: (method: string, code: string) => void;
}

export interface RpcServer {
  readonly port: number;
  /** Reports NOT_SERVING, lets running calls end, then cuts the rest. */
  close(): Promise<void>;
}

/** A gRPC server with health (grpc.health.v1) and, if asked for, reflection. */
export async function serveRpc(options: RpcServerOptions): Promise<RpcServer> {
  const server = new Server({
    'grpc.max_receive_message_length': options.maxMessageBytes ?? 4 * 1024 * 1024,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
  });
  const health = new HealthImplementation({ '': 'SERVING' });
  health.addToServer(server);
  for (const service of options.services) addService(server, service, options);
  if (options.reflection) (await reflection(options.services)).addToServer(server);
  const host = isIPv6(options.address) ? `[${options.address}]` : options.address;
  const bind = promisify(server.bindAsync.bind(server));
  const port = await bind(`${host}:${options.port}`, ServerCredentials.createInsecure());
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        health.setStatus('', 'NOT_SERVING');
        const cut = setTimeout(() => server.forceShutdown(), 1_000);
        server.tryShutdown(() => {
          clearTimeout(cut);
          resolve();
        });
      }),
  };
}

/** Loaded only where it is served, which is one service of six. */
async function reflection(services: readonly Implementation[]): Promise<ReflectionService> {
  const { ReflectionService } = await import('@grpc/reflection');
  const names = services.flatMap(({ definition }) =>
    Object.values(definition).map(({ path }) => path.split('/')[1] ?? ''),
  );
  // The service reads only `fileDescriptorProtos`, so the set that buf built can replace proto-loader's objects.
  const files = { contract: { format: '', type: {}, fileDescriptorProtos: fileDescriptors() } };
  return new ReflectionService(files as never, { services: [...new Set(names)] });
}

function addService(
  server: Server,
  { definition, handlers }: Implementation,
  options: RpcServerOptions,
): void {
  const methods: Record<string, unknown> = {};
  for (const [name, method] of Object.entries(definition)) {
    const handler = handlers[name];
    if (!handler) throw new Error(`no handler for ${method.path}`);
    methods[name] = method.responseStream
      ? (call: ServerWritableStream<never, unknown>) => {
          // A client that left shows as `cancelled`; the stream's own error event adds nothing.
          call.on('error', () => {});
          const fail = (status: StatusObject) => {
            if (!call.cancelled) call.emit('error', status);
          };
          const work = (context: CallContext) => stream(call, handler, context);
          return answer(call, method.path, options, work, () => call.end(), fail);
        }
      : (call: ServerUnaryCall<never, unknown>, done: sendUnaryData<unknown>) => {
          const work = async (context: CallContext) => handler(call.request, context);
          return answer(call, method.path, options, work, (result) => done(null, result), done);
        };
  }
  const readable = strictRequests(definition) as unknown as GrpcServiceDefinition;
  server.addService(readable, methods as UntypedServiceImplementation);
}

type Handler = Implementation['handlers'][string];
type Call = ServerUnaryCall<never, unknown> | ServerWritableStream<never, unknown>;

const OK = 'OK';

/** One call: `work` does it, then `end` or `fail` ends it. */
async function answer<T>(
  call: Call,
  path: string,
  options: RpcServerOptions,
  work: (context: CallContext) => Promise<T>,
  end: (result: T) => void,
  fail: (status: StatusObject) => void,
): Promise<void> {
  const { context, dispose } = callContext(call);
  try {
    refuseUnreadable(call.request);
    const result = await traced(call.metadata, path, options, () => work(context));
    options.answered?.(nameOf(path), OK);
    end(result);
  } catch (error) {
    fail(statusOf(error, path, context, options));
  } finally {
    dispose();
  }
}

async function stream(call: ServerWritableStream<never, unknown>, handler: Handler, context: CallContext) {
  for await (const message of handler(call.request, context) as AsyncIterable<unknown>) {
    if (context.signal.aborted) break;
    if (!call.write(message)) await once(call, 'drain', { signal: context.signal }).catch(() => {});
  }
}

function statusOf(error: unknown, path: string, { signal }: CallContext, options: RpcServerOptions) {
  const known =
    signal.aborted && !(error instanceof AppError)
      ? new AppError('deadline', 'the deadline passed before the answer was ready', { cause: error })
      : error;
  options.answered?.(nameOf(path), ERROR_CODES[isAppError(known) ? known.code : 'internal'].name);
  return toStatus(known, (unexpected, id) =>
    options.log.error({ error: unexpected, error_id: id, path }, 'call failed'),
  );
}

function nameOf(path: string): string {
  return path.split('/')[2] ?? '';
}

async function traced<T>(
  metadata: Metadata,
  path: string,
  options: RpcServerOptions,
  work: () => Promise<T>,
): Promise<T> {
  const parent = extractTrace(metadata.getMap() as Record<string, string>);
  if (!parent && !options.traceRoots) return work();
  const [, service = '', method = ''] = path.split('/');
  const name = `${service.split('.').at(-1)}/${method}`;
  return inSpanOf(parent ?? ROOT_CONTEXT, name, { 'rpc.system': 'grpc' }, work);
}

function callContext(call: Call) {
  const abort = new AbortController();
  const leave = () => abort.abort(new AppError('cancelled', 'the caller left'));
  call.on('cancelled', leave);
  const deadline = call.getDeadline();
  const at = deadline instanceof Date ? deadline.getTime() : deadline;
  const late = () => abort.abort(new AppError('deadline', 'the deadline passed before the answer was ready'));
  const kept = Math.min(Math.max((at - Date.now()) / 10, KEPT_TO_ANSWER.least), KEPT_TO_ANSWER.most);
  const timeLeftMs = () => at - Date.now() - kept;
  const left = timeLeftMs();
  const timer = Number.isFinite(left)
    ? setTimeout(late, Math.min(Math.max(0, left), 2 ** 31 - 1))
    : undefined;
  const context: CallContext = {
    signal: abort.signal,
    timeLeftMs,
    metadata: call.metadata,
    peer: call.getPeer(),
  };
  const dispose = () => {
    clearTimeout(timer);
    call.removeListener('cancelled', leave);
    // Ends everything that still waits for this call, such as an abandoned stream's source.
    abort.abort(new AppError('cancelled', 'the call is over'));
  };
  return { context, dispose };
}
