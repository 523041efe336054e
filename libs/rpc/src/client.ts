import { type CallOptions, Metadata } from '@grpc/grpc-js';
import { AppError, DEADLINES } from '@spawner/domain';
import { injectTrace } from '@spawner/service';
import { Channel } from './channel.ts';
import type { MethodDefinition, RequestOf, ResponseOf, ServiceDefinition } from './service.ts';
import { fromServiceError } from './status.ts';

export interface RpcOptions {
  /** The deadline: 5 s for unary calls by default, none for streams. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/**
 * Typed methods of a service. Errors are AppErrors whose cause names the method. A stream starts at its
 * first `next()`, and leaving its loop cancels the call.
 */
export type RpcClient<D> = {
  readonly [K in keyof D]: D[K] extends { responseStream: true }
    ? (request: RequestOf<D[K]>, options?: RpcOptions) => AsyncGenerator<ResponseOf<D[K]>>
    : (request: RequestOf<D[K]>, options?: RpcOptions) => Promise<ResponseOf<D[K]>>;
} & { close(): void };

/** `peer` names the service in messages about a missing connection. */
export function createClient<const D extends ServiceDefinition>(
  definition: D,
  target: string,
  peer = 'the service',
): RpcClient<D> {
  const server = { channel: new Channel(target), peer };
  const methods = Object.entries(definition).map(([name, method]) => {
    const call = method.responseStream ? callStream : callUnary;
    return [name, (request: never, options?: RpcOptions) => call(server, method, request, options)];
  });
  return Object.assign(Object.fromEntries(methods), { close: () => server.channel.close() }) as RpcClient<D>;
}

interface Peer {
  readonly channel: Channel;
  /** As messages name it. */
  readonly peer: string;
}

function callUnary(
  { channel, peer }: Peer,
  method: MethodDefinition,
  request: never,
  options: RpcOptions = {},
): Promise<unknown> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(cancelled(method.path, signal));
    const args = callArguments(method, request, options.timeoutMs ?? DEADLINES.call);
    const call = channel.client().makeUnaryRequest(...args, (error, answer) => {
      signal?.removeEventListener('abort', cancel);
      if (error) reject(failure(error, method.path, peer, signal));
      else resolve(answer);
    });
    const cancel = () => call.cancel();
    signal?.addEventListener('abort', cancel);
  });
}

async function* callStream(
  { channel, peer }: Peer,
  method: MethodDefinition,
  request: never,
  options: RpcOptions = {},
): AsyncGenerator<unknown> {
  const { signal } = options;
  if (signal?.aborted) throw cancelled(method.path, signal);
  const args = callArguments(method, request, options.timeoutMs);
  const call = channel.client().makeServerStreamRequest(...args);
  const cancel = () => call.cancel();
  signal?.addEventListener('abort', cancel);
  try {
    for await (const message of call) yield message;
  } catch (error) {
    throw failure(error, method.path, peer, signal);
  } finally {
    signal?.removeEventListener('abort', cancel);
    call.on('error', () => {});
    call.cancel();
  }
}

function callArguments(method: MethodDefinition, request: never, timeoutMs: number | undefined) {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(injectTrace())) metadata.set(name, value);
  const options: CallOptions = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
  const { path, requestSerialize, responseDeserialize } = method;
  return [path, requestSerialize, responseDeserialize, request, metadata, options] as const;
}

function failure(error: unknown, path: string, peer: string, signal: AbortSignal | undefined): AppError {
  return signal?.aborted ? cancelled(path, signal) : fromServiceError(error, path, peer);
}

function cancelled(path: string, signal: AbortSignal): AppError {
  return new AppError('cancelled', `${path} was cancelled`, { cause: signal.reason });
}
