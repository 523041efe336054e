import type { IncomingMessage } from 'node:http';
import { type Clock, isAppError, refuseViolations } from '@spawner/domain';
import { readJson, writeJson } from '@spawner/proto';
import { type Backend, type BackendKey, BackendState } from '@spawner/proto/v1/backend';
import {
  CreateConnectionTokenRequest,
  SpawnBackendRequest,
  type TailLogsResponse,
} from '@spawner/proto/v1/backend_service';
import type { Caller, PublicApi } from '../public-api.ts';
import { LARGEST_PAGE, MOST_LINES, messageOf } from '../requests.ts';
import { readJsonBody } from './body.ts';
import { eventStream, revisionOf } from './events.ts';
import { withHeartbeat } from './heartbeat.ts';
import type { Query } from './query.ts';
import { json, type Reply, stream } from './reply.ts';
import type { Operation } from './routes.ts';
import { ALWAYS } from './shapes.ts';

/** A program that has ended may have written more than its record keeps. */
const LAST_LINES_ALONE = { 'spawner-logs': 'last-lines' };

export interface Signals {
  /** Aborts when the caller leaves. */
  signal: AbortSignal;
  /** For what lasts: aborts when the server closes, too. */
  streams: AbortSignal;
}

export interface Call extends Signals {
  request: IncomingMessage;
  id: string;
  query: Query;
}

export type Handlers = Readonly<Record<Operation, (call: Call) => Promise<Reply>>>;

/** The operations of the route table: read the request, call the method, write the answer. */
export function handlers(api: PublicApi, clock: Clock): Handlers {
  return {
    spawnBackend: async ({ request, query, signal }) => {
      query.finish();
      const { message, faults } = await readBody('spawnBackend', request);
      refuseViolations(faults);
      const answer = await api.spawnBackend(SpawnBackendRequest.fromJSON(message), { signal });
      return written('spawnBackend', answer, answer.spawned ? 201 : 200);
    },
    listBackends: async ({ query, signal }) => {
      const key = query.key();
      if (key) {
        query.finish('unknown parameter, or not one that goes with a key');
        return written('listBackends', { backends: await holders(api, key, signal), nextPageToken: '' });
      }
      const request = {
        pageSize: query.integer('pageSize', { min: 1, max: LARGEST_PAGE }) ?? 0,
        pageToken: query.text('pageToken'),
        states: query.states('state'),
        droneId: query.text('droneId'),
        labels: query.labels('label'),
      };
      query.finish();
      return written('listBackends', await api.listBackends(request, { signal }));
    },
    getBackend: plain('getBackend', api.getBackend, ({ id }) => ({ id })),
    explainBackend: plain('explainBackend', api.explainBackend, ({ id }) => ({ id })),
    watchBackend: async ({ request, id, query, signal, streams }) => {
      query.finish();
      const afterRevision = revisionOf(request.headers['last-event-id']);
      const { backend } = await api.getBackend({ id }, { signal });
      const seenToTheEnd = backend?.state === BackendState.TERMINATED && backend.revision <= afterRevision;
      // To an EventSource, which would come back for ever, 204 is the end.
      if (seenToTheEnd) return { kind: 'empty', status: 204 };
      const steps = api.watchBackend({ id, afterRevision }, { signal: streams });
      return stream('text/event-stream', eventStream(steps, clock));
    },
    tailLogs: async ({ request, id, query, signal, streams }) => {
      const follow = query.flag('follow');
      const tailLines = query.integer('tail', { min: 0, max: MOST_LINES });
      query.finish();
      const { backend } = await api.getBackend({ id }, { signal });
      const kept = backend?.state === BackendState.TERMINATED ? LAST_LINES_ALONE : undefined;
      const lines = api.tailLogs({ id, follow, tailLines }, { signal: streams });
      // An empty line says nothing to who reads JSON lines; in a text it would.
      return request.headers.accept?.includes('application/x-ndjson')
        ? stream('application/x-ndjson', withHeartbeat(lines, ndjsonLine, '\n', clock), kept)
        : stream('text/plain; charset=utf-8', textLines(lines), kept);
    },
    terminateBackend: plain('terminateBackend', api.terminateBackend, ({ id, query }) => ({
      id,
      force: query.flag('force'),
    })),
    terminateBackendByKey: async ({ query, signal }) => {
      const key = query.key();
      const force = query.flag('force');
      query.finish();
      if (!key) refuseViolations([{ field: 'keyName', message: 'is required' }]);
      return written('terminateBackend', await api.terminateBackend({ id: '', key, force }, { signal }));
    },
    createConnectionToken: async ({ request, id, query, signal }) => {
      query.finish();
      const { message, faults } = await readBody('createConnectionToken', request);
      const named = ['id', 'key'].filter((field) => field in message);
      refuseViolations([
        ...faults,
        ...named.map((field) => ({ field, message: 'the path names the backend' })),
      ]);
      const asked = { ...CreateConnectionTokenRequest.fromJSON(message), id };
      return written('createConnectionToken', await api.createConnectionToken(asked, { signal }), 201);
    },
    revokeConnectionTokens: plain('revokeConnectionTokens', api.revokeConnectionTokens, ({ id, query }) => ({
      id,
      token: '',
      user: query.optional('user'),
      tokenId: query.filled('tokenId'),
    })),
    listDrones: plain('listDrones', api.listDrones, () => ({})),
    forgetDrone: plain('forgetDrone', api.forgetDrone, ({ id }) => ({ id })),
  };
}

/** An operation whose request is in its path and query alone. */
function plain<Q, A extends object>(
  operation: Operation,
  method: (request: Q, caller: Caller) => Promise<A>,
  read: (call: Call) => Q,
): (call: Call) => Promise<Reply> {
  return async (call) => {
    const request = read(call);
    call.query.finish();
    return written(operation, await method(request, { signal: call.signal }));
  };
}

async function readBody(operation: Operation, request: IncomingMessage) {
  return readJson(messageOf(operation, 'Request'), await readJsonBody(request));
}

/** The holder of a key, if there is one. */
async function holders(api: PublicApi, key: BackendKey, signal: AbortSignal): Promise<Backend[]> {
  try {
    const { backend } = await api.getBackend({ id: '', key }, { signal });
    return backend ? [backend] : [];
  } catch (error) {
    if (isAppError(error, 'not_found')) return [];
    throw error;
  }
}

function written(operation: Operation, message: object, status = 200): Reply {
  return json(writeJson(messageOf(operation, 'Response'), message, ALWAYS), status);
}

function ndjsonLine(line: TailLogsResponse): string {
  return `${JSON.stringify(writeJson('spawner.v1.TailLogsResponse', line, ALWAYS))}\n`;
}

async function* textLines(lines: AsyncIterable<TailLogsResponse>): AsyncGenerator<string> {
  for await (const { text } of lines) yield `${text}\n`;
}
