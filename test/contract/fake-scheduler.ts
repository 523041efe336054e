/**
 * Plays the scheduler to a gateway under test: every backend lives through its states as fast as they are
 * read, and the image's name says how it ends. So a gateway can be tested without Redis, Docker or
 * any waiting.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { AppError } from '@spawner/domain';
import {
  type CreateConnectionTokenRequest,
  NotPlacedReason,
  SchedulerServiceService,
  type SpawnBackendRequest,
  type SpawnBackendResponse,
  type SpawnNotPlaced,
} from '@spawner/proto/internal/scheduler_service';
import {
  Access,
  Backend,
  type BackendKey,
  type BackendSpec,
  BackendState,
  EndReason,
} from '@spawner/proto/v1/backend';
import { ExplainBackendResponse, LogStream, type TailLogsResponse } from '@spawner/proto/v1/backend_service';
import { ClockName } from '@spawner/proto/v1/explanation';
import { Drone, DroneState } from '@spawner/proto/v1/fleet_service';
import { type Handlers, implement, type RpcServer, serveRpc } from '@spawner/rpc';
import { createLog } from '@spawner/service';

export interface Asked {
  id: string;
  spec: BackendSpec;
  key: BackendKey | undefined;
  traceparent: string;
}

export interface FakeScheduler extends AsyncDisposable {
  readonly port: number;
  /** Every spawn that was asked for, repeated ones included. */
  readonly asked: readonly Asked[];
  readonly records: ReadonlyMap<string, Backend>;
  /** The valid tokens by their ids. */
  readonly tokens: ReadonlyMap<string, CreateConnectionTokenRequest>;
  /** Called after every change, as a hint of the bus would be. */
  onChange(take: (backend: Backend) => void): { close(): void };
  /** Called after every spawn that was asked for. */
  onAsked(take: () => void): { close(): void };
  /** The next call of SpawnBackend fails with this error, or has this outcome. */
  failNext(failure: Error | SpawnNotPlaced): void;
  /** Moves a backend on, as its drone would. */
  advance(id: string, state: BackendState, end?: Partial<Backend>): void;
}

/** Outcomes of a spawn that did not place anything, as the scheduler words them. */
export const HOLDER_ENDING: SpawnNotPlaced = {
  ...{ reason: NotPlacedReason.HOLDER_ENDING, sameId: true, retryAfterMs: 100 },
  detail: 'the holder of the key is still ending',
};
export const HOLDER_UNKNOWN: SpawnNotPlaced = {
  ...{ reason: NotPlacedReason.HOLDER_UNKNOWN, sameId: true, retryAfterMs: 100 },
  detail: 'the holder of the key may not be known yet',
};
export const START_REFUSED: SpawnNotPlaced = {
  ...{ reason: NotPlacedReason.START_REFUSED, sameId: false, retryAfterMs: 0 },
  detail: 'drone drone-1 did not take the backend',
};
export const NOT_REPLICATED: SpawnNotPlaced = {
  ...{ reason: NotPlacedReason.NOT_REPLICATED, sameId: false, retryAfterMs: 0 },
  detail: 'too few replicas of the store have the key',
};
export const NO_ROOM: SpawnNotPlaced = {
  ...{ reason: NotPlacedReason.NO_ROOM, sameId: true, retryAfterMs: 0 },
  detail: 'no drone has room',
};

const STEP_MS = 5;
const RISE = [BackendState.LOADING, BackendState.STARTING, BackendState.WAITING, BackendState.READY];

/** Images: `test/missing` (LOAD_ERROR), `test/crash` (START_ERROR), `test/manual` (stays SCHEDULED); all others get READY. */
export async function startFakeScheduler(): Promise<FakeScheduler> {
  const asked: Asked[] = [];
  const tokens = new Map<string, CreateConnectionTokenRequest>();
  const records = new Map<string, Backend>();
  const listeners = new Set<(backend: Backend) => void>();
  const askers = new Set<() => void>();
  const failures: (Error | SpawnNotPlaced)[] = [];
  const over = new AbortController();

  const advance = (id: string, state: BackendState, end: Partial<Backend> = {}) => {
    const record = found(records, id);
    if (record.state >= state) return;
    const revision = record.revision + 1;
    const time = new Date();
    const next: Backend = {
      ...record,
      ...end,
      state,
      revision,
      events: [...record.events, { state, revision, time }],
      readyTime: state === BackendState.READY ? time : record.readyTime,
      endTime: state === BackendState.TERMINATED ? time : undefined,
    };
    records.set(id, next);
    for (const tell of listeners) tell(next);
  };
  const live = async (id: string, image: string) => {
    if (image.startsWith('test/manual')) return;
    for (const state of RISE) {
      await wait(STEP_MS, undefined, { signal: over.signal });
      if (image.startsWith('test/missing') && state === BackendState.STARTING)
        return advance(id, BackendState.TERMINATED, {
          endReason: EndReason.LOAD_ERROR,
          endDetail: 'manifest unknown',
        });
      if (image.startsWith('test/crash') && state === BackendState.WAITING)
        return advance(id, BackendState.TERMINATED, {
          endReason: EndReason.START_ERROR,
          exitCode: 3,
          lastLogs: ['out of memory'],
        });
      advance(id, state);
    }
  };
  const spawn = (request: SpawnBackendRequest, traceparent: string): SpawnBackendResponse => {
    const failure = failures.shift();
    const { id, spec, key } = request;
    if (!spec) throw new AppError('invalid', 'no spec');
    asked.push({ id, spec, key, traceparent });
    for (const tell of askers) tell();
    if (failure instanceof Error) throw failure;
    if (failure) return { outcome: { $case: 'notPlaced', value: failure } };
    const known = records.get(id);
    if (known) return { outcome: { $case: 'placed', value: { backend: known } } };
    const holder = key && holderOf(records, key);
    if (holder && holder.state >= BackendState.TERMINATING)
      return { outcome: { $case: 'notPlaced', value: HOLDER_ENDING } };
    if (holder && holder.key?.tag !== key.tag)
      throw new AppError(
        'failed_precondition',
        `the key is held with the tag ${JSON.stringify(holder.key?.tag)}`,
      );
    if (holder) return { outcome: { $case: 'held', value: { holder } } };
    const time = new Date();
    const state = BackendState.SCHEDULED;
    const record = Backend.fromPartial({
      ...{
        id,
        state,
        revision: 1,
        droneId: 'drone-1',
        image: spec.image,
        labels: spec.labels,
        createTime: time,
      },
      ...{ idleTimeoutMs: spec.idleTimeoutMs, lifetimeLimitMs: spec.lifetimeLimitMs },
      ...{ key, fence: key ? records.size + 1 : 0, access: spec.access || Access.PUBLIC },
      events: [{ state, revision: 1, time }],
    });
    records.set(id, record);
    live(id, spec.image).catch(() => {});
    return { outcome: { $case: 'placed', value: { backend: record } } };
  };
  const named = ({ id, key }: { id: string; key?: BackendKey }): Backend => {
    const record = key ? holderOf(records, key) : records.get(id);
    if (!record) throw new AppError('not_found', 'no such backend');
    return record;
  };

  const handlers: Handlers<typeof SchedulerServiceService> = {
    spawnBackend: async (request, { metadata }) =>
      spawn(request, String(metadata.get('traceparent')[0] ?? '')),
    getBackend: async (request) => ({ backend: named(request) }),
    listBackends: async ({ pageSize, pageToken, states, droneId, labels }) => {
      if (!/^\d*$/.test(pageToken))
        throw new AppError('invalid', 'page_token: not from a page before', {
          violations: [{ field: 'page_token', message: 'not from a page before' }],
        });
      const fitting = [...records.values()]
        .reverse()
        .filter((record) => states.length === 0 || states.includes(record.state))
        .filter((record) => droneId === '' || record.droneId === droneId)
        .filter((record) => Object.entries(labels).every(([name, value]) => record.labels[name] === value));
      const from = Number(pageToken);
      const nextPageToken = from + pageSize < fitting.length ? String(from + pageSize) : '';
      return { backends: fitting.slice(from, from + pageSize), nextPageToken };
    },
    explainBackend: async (request) => {
      const backend = named(request);
      return {
        explanation: ExplainBackendResponse.fromPartial({
          backend,
          summary: `It is ${backend.image}.`,
          clocks: [{ name: ClockName.IDLE, limitMs: 10_000, elapsedMs: 0, remainingMs: 10_000 }],
          placement: {
            droneId: backend.droneId,
            time: backend.createTime,
            candidates: { known: 2, considered: 1 },
          },
          missing: 'everything else',
        }),
      };
    },
    terminateBackend: async ({ force, ...request }) => {
      const { id } = named(request);
      if (!force) advance(id, BackendState.TERMINATING, { endReason: EndReason.REQUESTED });
      advance(id, BackendState.TERMINATED, { endReason: EndReason.REQUESTED });
      return { backend: found(records, id) };
    },
    async *tailLogs({ id, follow, tailLines }, { signal }) {
      found(records, id);
      const lines = ['hello', 'world'].slice(tailLines === undefined ? 0 : Math.max(0, 2 - tailLines));
      for (const text of lines) yield { line: line(text) };
      while (follow && !signal.aborted && found(records, id).state < BackendState.TERMINATED)
        await wait(STEP_MS, undefined, { signal }).catch(() => {});
      if (follow) yield { line: { ...line('good bye'), stream: LogStream.STDERR } };
    },
    forgetDrone: async ({ id }) => {
      if (id === 'drone-1') throw new AppError('failed_precondition', 'drone drone-1 renews its lease');
      if (id !== 'drone-2') throw new AppError('not_found', `no drone ${id}`);
      return { endedIds: [...records.keys()].filter((of) => records.get(of)?.droneId === id) };
    },
    listDrones: async () => ({
      drones: [
        Drone.fromPartial({ id: 'drone-1', state: DroneState.READY, runtime: 'docker', heartbeatAgeMs: 0 }),
      ],
    }),
    createConnectionToken: async (request) => {
      const { id, access } = named(request);
      if (access !== Access.TOKEN) throw new AppError('failed_precondition', 'the backend is public');
      tokens.set(request.tokenId, { ...request, id });
      return { backendId: id, expireTime: new Date(Date.now() + request.ttlMs) };
    },
    revokeConnectionTokens: async ({ tokenId, user, ...of }) => {
      const id = of.id === '' && !of.key ? undefined : named(of).id;
      const meant = [...tokens.values()].filter(
        (token) =>
          (id === undefined || token.id === id) &&
          (tokenId === '' || token.tokenId === tokenId) &&
          (user === undefined || token.user === user),
      );
      for (const token of meant) tokens.delete(token.tokenId);
      return { count: meant.length };
    },
    registerNode: async () => ({ registration: 1, stops: [], ended: [] }),
    renewNode: async () => ({ verdict: 1, stops: [], ended: [] }),
    suspendRoute: async () => ({ suspended: false, epoch: 0, proxies: [] }),
    settleRoute: async () => ({ outcome: 0 }),
  };
  const server: RpcServer = await serveRpc({
    address: '127.0.0.1',
    port: 0,
    log: createLog('fake-scheduler', 'silent'),
    services: [implement(SchedulerServiceService, handlers)],
  });
  return {
    port: server.port,
    asked,
    records,
    tokens,
    advance,
    onAsked: (take) => {
      askers.add(take);
      return { close: () => askers.delete(take) };
    },
    failNext: (failure) => failures.push(failure),
    onChange: (take) => {
      listeners.add(take);
      return { close: () => listeners.delete(take) };
    },
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await server.close();
    },
  };
}

function holderOf(records: ReadonlyMap<string, Backend>, key: BackendKey): Backend | undefined {
  return [...records.values()].find(
    (record) =>
      record.state < BackendState.TERMINATED &&
      record.key?.name === key.name &&
      record.key.namespace === key.namespace,
  );
}

function found(records: ReadonlyMap<string, Backend>, id: string): Backend {
  const record = records.get(id);
  if (!record) throw new AppError('not_found', `no backend ${id}`);
  return record;
}

function line(text: string): TailLogsResponse {
  return { stream: LogStream.STDOUT, time: new Date(0), text };
}
