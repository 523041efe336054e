import { AppError, refuseViolations } from '@spawner/domain';
import { type Backend, BackendState } from '@spawner/proto/v1/backend';
import { inSpan } from '@spawner/service';
import type { ActivityMemory } from './activity.ts';
import { mayWait } from './life.ts';
import type { Metrics } from './metrics.ts';
import type { BackendMethods } from './public-api.ts';
import { backendIdOf, listViolations, namedBy, spawnViolations, tailViolations } from './requests.ts';
import type { Scheduler } from './scheduler.ts';
import { placeBackend, type SpawnParts } from './spawn.ts';
import { completeSpec } from './spec.ts';
import { backendUrl, type UrlShape } from './urls.ts';
import { type WatchSources, watchBackend } from './watch.ts';

export interface BackendsParts extends SpawnParts {
  scheduler: Scheduler;
  urls: UrlShape;
  activity: Pick<ActivityMemory, 'of'>;
  hints: WatchSources['hints'];
  queue: WatchSources['queue'];
  metrics: Pick<Metrics, 'spawned'>;
}

const DEFAULT_PAGE = 100;

/** spawner.v1.BackendService, without its connection tokens. */
export function backendMethods(
  parts: BackendsParts,
): Omit<BackendMethods, 'createConnectionToken' | 'revokeConnectionTokens'> {
  const { scheduler, clock, hints, queue, metrics } = parts;
  const read: WatchSources['read'] = async (named, signal) =>
    present((await scheduler.getBackend(named, { signal })).backend);
  const shown = (backend: Backend): Backend => {
    const living = backend.state < BackendState.TERMINATING;
    const activity = living ? parts.activity.of(backend.id) : undefined;
    const waits = mayWait(backend) ? queue.of(backend.id) : undefined;
    const pull = mayWait(backend) ? queue.pullOf(backend.id) : undefined;
    const waiting = { queuePosition: waits?.position, expectedWaitMs: waits?.expectedWaitMs, pull };
    return { ...backend, ...waiting, url: backendUrl(backend.id, parts.urls), activity };
  };
  return {
    async spawnBackend(request, caller) {
      const spec = completeSpec(request.spec, spawnViolations(request));
      const { key, reusePolicy } = request;
      const began = clock.now();
      return inSpan('spawn backend', { 'spawner.image': spec.image }, async (span) => {
        let outcome = 'failed';
        try {
          const { backend, spawned } = await placeBackend(parts, { spec, key, reusePolicy }, caller);
          span.setAttributes({ 'spawner.backend.id': backend.id, 'spawner.drone.id': backend.droneId });
          outcome = spawned ? 'placed' : 'held';
          return { backend: shown(backend), spawned };
        } finally {
          metrics.spawned((clock.now() - began) / 1_000, outcome);
        }
      });
    },
    async getBackend(request, { signal }) {
      return { backend: shown(await read(namedBy(request), signal)) };
    },
    /** The drone's own answer is newer than what it last told over the bus. */
    async explainBackend(request, { signal }) {
      const { explanation } = await scheduler.explainBackend(namedBy(request), { signal });
      if (!explanation) throw new AppError('internal', 'the scheduler answered without an explanation');
      const backend = present(explanation.backend);
      const { activity, ...rest } = shown(backend);
      const { queuePosition, expectedWaitMs, pull } = explanation.missing === '' ? backend : rest;
      return {
        ...explanation,
        backend: { ...rest, queuePosition, expectedWaitMs, pull, activity: backend.activity ?? activity },
      };
    },
    async listBackends(request, { signal }) {
      refuseViolations(listViolations(request));
      const query = { ...request, pageSize: request.pageSize || DEFAULT_PAGE };
      const { backends, nextPageToken } = await scheduler.listBackends(query, { signal });
      return { backends: backends.map(shown), nextPageToken };
    },
    async *watchBackend({ id, afterRevision }, { signal }) {
      const sources = { read, hints, queue, clock };
      for await (const backend of watchBackend(backendIdOf(id), afterRevision, sources, signal))
        yield { backend: shown(backend) };
    },
    async *tailLogs(request, { signal }) {
      backendIdOf(request.id);
      refuseViolations(tailViolations(request));
      for await (const { line } of scheduler.tailLogs(request, { signal })) if (line) yield line;
    },
    async terminateBackend(request, { signal }) {
      const order = { ...namedBy(request), force: request.force };
      return { backend: shown(present((await scheduler.terminateBackend(order, { signal })).backend)) };
    },
  };
}

function present(backend: Backend | undefined): Backend {
  if (!backend) throw new AppError('internal', 'the scheduler answered without a backend');
  return backend;
}
