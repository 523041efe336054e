import type { IncomingMessage } from 'node:http';
import { type Clock, isAppError, refuseViolations } from '@spawner/domain';
import { readJson, writeJson } from '@spawner/proto';
import { type Backend, type BackendKey, BackendState } from '@spawner/proto/v1/backend';
import {
  CreateConnectionTokenRequest,
  SpawnBackendRequest,
  type TailLogsResponse,
} from '@spawner/proto/v1/backend_service';
import type { Backends } from '../backends.ts';
import type { PublicApi } from '../public-api.ts';
import { LARGEST_PAGE, MOST_LINES } from '../requests.ts';
import { readJsonBody } from './body.ts';
import { eventStream, revisionOf } from './events.ts';
import type { Query } from './query.ts';
import { json, type Reply } from './reply.ts';
import type { Operation } from './routes.ts';
import { ALWAYS } from './shapes.ts';

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

const CREATE_TOKEN = 'spawner.v1.CreateConnectionTokenRequest';

/** The operations of the route table: read the request, call the domain, write the answer. */
export function handlers({ backends, tokens, fleet }: PublicApi, clock: Clock): Handlers {
  return {
    spawnBackend: async ({ request, query, signal }) => {
      query.finish();
      const { message, faults } = readJson('spawner.v1.SpawnBackendRequest', await readJsonBody(request));
      refuseViolations(faults);
      const answer = await backends.spawn(SpawnBackendRequest.fromJSON(message), signal);
      return written('SpawnBackendResponse', answer, answer.spawned ? 201 : 200);
    },
    listBackends: async ({ query, signal }) => {
      const key = query.key();
      if (key) {
        query.finish('unknown parameter, or not one that goes with a key');
        return written('ListBackendsResponse', {
          backends: await holders(backends, key, signal),
          nextPageToken: '',
        });
      }
      const pageSize = query.integer('pageSize', { min: 1, max: LARGEST_PAGE });
      const pageToken = query.text('pageToken');
      const states = query.states('state');
      const droneId = query.text('droneId');
      const labels = query.labels('label');
      query.finish();
      const answer = await backends.list(
        { pageSize: pageSize ?? 0, pageToken, states, droneId, labels },
        signal,
      );
      return written('ListBackendsResponse', answer);
    },
    getBackend: async ({ id, query, signal }) => {
      query.finish();
      return written('GetBackendResponse', await backends.get({ id }, signal));
    },
    explainBackend: async ({ id, query, signal }) => {
      query.finish();
      return written('ExplainBackendResponse', await backends.explain({ id }, signal));
    },
    watchBackend: async ({ request, id, query, signal, streams }) => {
      query.finish();
      const afterRevision = revisionOf(request.headers['last-event-id']);
      const { backend } = await backends.get({ id }, signal);
      const seenToTheEnd = backend?.state === BackendState.TERMINATED && backend.revision <= afterRevision;
      // To an EventSource, which would come back for ever, 204 is the end.
      if (seenToTheEnd) return { kind: 'empty', status: 204 };
      const chunks = eventStream(backends.watch({ id, afterRevision }, streams), clock);
      return { kind: 'stream', type: 'text/event-stream', chunks };
    },
    tailLogs: async ({ request, id, query, signal, streams }) => {
      const follow = query.flag('follow');
      const tailLines = query.integer('tail', { min: 0, max: MOST_LINES });
      query.finish();
      await backends.get({ id }, signal);
      const asJson = (request.headers.accept ?? '').includes('application/x-ndjson');
      const lines = backends.logs({ id, follow, tailLines }, streams);
      return asJson
        ? { kind: 'stream', type: 'application/x-ndjson', chunks: each(lines, ndjsonLine) }
        : {
            kind: 'stream',
            type: 'text/plain; charset=utf-8',
            chunks: each(lines, ({ text }) => `${text}\n`),
          };
    },
    terminateBackend: async ({ id, query, signal }) => {
      const force = query.flag('force');
      query.finish();
      return written('TerminateBackendResponse', await backends.terminate({ id, force }, signal));
    },
    terminateBackendByKey: async ({ query, signal }) => {
      const key = query.key();
      const force = query.flag('force');
      query.finish();
      if (!key) refuseViolations([{ field: 'keyName', message: 'is required' }]);
      return written('TerminateBackendResponse', await backends.terminate({ id: '', key, force }, signal));
    },
    createConnectionToken: async ({ request, id, query, signal }) => {
      query.finish();
      const { message, faults } = readJson(CREATE_TOKEN, await readJsonBody(request));
      const named = ['id', 'key'].filter((field) => field in message);
      refuseViolations([
        ...faults,
        ...named.map((field) => ({ field, message: 'the path names the backend' })),
      ]);
      const asked = { ...CreateConnectionTokenRequest.fromJSON(message), id };
      return written('CreateConnectionTokenResponse', await tokens.create(asked, signal), 201);
    },
    revokeConnectionTokens: async ({ id, query, signal }) => {
      const user = query.optional('user');
      const tokenId = query.filled('tokenId');
      query.finish();
      const revoked = await tokens.revoke(
        { id, token: '', tokenId, ...(user === undefined ? {} : { user }) },
        signal,
      );
      return written('RevokeConnectionTokensResponse', revoked);
    },
    listDrones: async ({ query, signal }) => {
      query.finish();
      return written('ListDronesResponse', await fleet.listDrones(signal));
    },
    forgetDrone: async ({ id, query, signal }) => {
      query.finish();
      return written('ForgetDroneResponse', await fleet.forgetDrone(id, signal));
    },
  };
}

/** The holder of a key, if there is one. */
async function holders(backends: Backends, key: BackendKey, signal: AbortSignal): Promise<Backend[]> {
  try {
    const { backend } = await backends.get({ id: '', key }, signal);
    return backend ? [backend] : [];
  } catch (error) {
    if (isAppError(error, 'not_found')) return [];
    throw error;
  }
}

function written(type: string, message: object, status = 200): Reply {
  return json(writeJson(`spawner.v1.${type}`, message, ALWAYS), status);
}

function ndjsonLine(line: TailLogsResponse): string {
  return `${JSON.stringify(writeJson('spawner.v1.TailLogsResponse', line, ALWAYS))}\n`;
}

async function* each<T>(from: AsyncIterable<T>, write: (part: T) => string): AsyncGenerator<string> {
  for await (const part of from) yield write(part);
}
