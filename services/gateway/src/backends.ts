import { AppError, type Clock, refuseViolations } from '@spawner/domain';
import { type Backend, BackendState } from '@spawner/proto/v1/backend';
import type {
  ExplainBackendRequest,
  ExplainBackendResponse,
  GetBackendRequest,
  GetBackendResponse,
  ListBackendsRequest,
  ListBackendsResponse,
  SpawnBackendRequest,
  SpawnBackendResponse,
  TailLogsRequest,
  TailLogsResponse,
  TerminateBackendRequest,
  TerminateBackendResponse,
  WatchBackendRequest,
  WatchBackendResponse,
} from '@spawner/proto/v1/backend_service';
import { inSpan } from '@spawner/service';
import type { Metrics } from './metrics.ts';
import { backendIdOf, listViolations, namedBy, spawnViolations, tailViolations } from './requests.ts';
import type { Scheduler } from './scheduler.ts';
import { placeBackend } from './spawn.ts';
import { completeSpec } from './spec.ts';
import { backendUrl, type UrlShape } from './urls.ts';
import { type WatchSources, watchBackend } from './watch.ts';

export interface BackendsParts {
  scheduler: Scheduler;
  clock: Clock;
  randomBytes: (count: number) => Uint8Array;
  /** In [0, 1). */
  random: () => number;
  urls: UrlShape;
  activity: { of(id: string): Backend['activity'] };
  hints: WatchSources['hints'];
  metrics: Pick<Metrics, 'spawned'>;
}

const DEFAULT_PAGE = 100;

/** spawner.v1.BackendService for both transports. A signal aborts when its caller leaves. */
export class Backends {
  readonly #parts: BackendsParts;

  constructor(parts: BackendsParts) {
    this.#parts = parts;
  }

  /** `timeLeftMs` is the rest of the caller's deadline. */
  async spawn(
    request: SpawnBackendRequest,
    signal: AbortSignal,
    timeLeftMs = Number.POSITIVE_INFINITY,
  ): Promise<SpawnBackendResponse> {
    const spec = completeSpec(request.spec, spawnViolations(request));
    const { key, reusePolicy } = request;
    const began = this.#parts.clock.now();
    return inSpan('spawn backend', { 'spawner.image': spec.image }, async (span) => {
      let outcome = 'failed';
      try {
        const wanted = { spec, key, reusePolicy };
        const { backend, spawned } = await placeBackend(this.#parts, wanted, signal, timeLeftMs);
        span.setAttributes({ 'spawner.backend.id': backend.id, 'spawner.drone.id': backend.droneId });
        outcome = spawned ? 'placed' : 'held';
        return { backend: this.#shown(backend), spawned };
      } finally {
        this.#parts.metrics.spawned((this.#parts.clock.now() - began) / 1_000, outcome);
      }
    });
  }

  async get(request: GetBackendRequest, signal: AbortSignal): Promise<GetBackendResponse> {
    return { backend: this.#shown(await this.#read(namedBy(request), signal)) };
  }

  /** The activity that the drone answers with is newer than the last reported one. */
  async explain(request: ExplainBackendRequest, signal: AbortSignal): Promise<ExplainBackendResponse> {
    const { explanation } = await this.#parts.scheduler.explainBackend(namedBy(request), { signal });
    if (!explanation) throw new AppError('internal', 'the scheduler answered without an explanation');
    const backend = present(explanation.backend);
    const shown = this.#shown(backend);
    return { ...explanation, backend: { ...shown, activity: backend.activity ?? shown.activity } };
  }

  async list(request: ListBackendsRequest, signal: AbortSignal): Promise<ListBackendsResponse> {
    refuseViolations(listViolations(request));
    const query = { ...request, pageSize: request.pageSize || DEFAULT_PAGE };
    const { backends, nextPageToken } = await this.#parts.scheduler.listBackends(query, { signal });
    return { backends: backends.map((backend) => this.#shown(backend)), nextPageToken };
  }

  async *watch(
    { id, afterRevision }: WatchBackendRequest,
    signal: AbortSignal,
  ): AsyncGenerator<WatchBackendResponse> {
    const { hints, clock } = this.#parts;
    const read: WatchSources['read'] = (known, until) => this.#read({ id: known }, until);
    for await (const backend of watchBackend(backendIdOf(id), afterRevision, { read, hints, clock }, signal))
      yield { backend: this.#shown(backend) };
  }

  async *logs(request: TailLogsRequest, signal: AbortSignal): AsyncGenerator<TailLogsResponse> {
    backendIdOf(request.id);
    refuseViolations(tailViolations(request));
    for await (const { line } of this.#parts.scheduler.tailLogs(request, { signal })) if (line) yield line;
  }

  async terminate(request: TerminateBackendRequest, signal: AbortSignal): Promise<TerminateBackendResponse> {
    const order = { ...namedBy(request), force: request.force };
    const answer = await this.#parts.scheduler.terminateBackend(order, { signal });
    return { backend: this.#shown(present(answer.backend)) };
  }

  async #read(named: GetBackendRequest, signal: AbortSignal): Promise<Backend> {
    const { backend } = await this.#parts.scheduler.getBackend(named, { signal });
    return present(backend);
  }

  #shown(backend: Backend): Backend {
    const living = backend.state < BackendState.TERMINATING;
    const activity = living ? this.#parts.activity.of(backend.id) : undefined;
    return { ...backend, url: backendUrl(backend.id, this.#parts.urls), activity };
  }
}

function present(backend: Backend | undefined): Backend {
  if (!backend) throw new AppError('internal', 'the scheduler answered without a backend');
  return backend;
}
