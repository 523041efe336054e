import { BackendEndedError, SpawnerError } from './errors.ts';
import { type CallOptions, Http, type SpawnerOptions } from './http.ts';
import { linesOf } from './lines.ts';
import type {
  Backend,
  BackendKey,
  BackendSpec,
  ConnectionToken,
  Drone,
  Explanation,
  ListFilter,
  LogLine,
  SpawnedBackend,
} from './types.ts';
import { type WatchOptions, watch } from './watch.ts';

export interface LogOptions extends CallOptions {
  /** Continues until the backend ends. */
  follow?: boolean;
  /** Starts with this many lines; with all that are kept by default. */
  tail?: number;
}

export interface SpawnOptions extends CallOptions {
  /** Get or create: returns a living holder of the key, and waits for the end of an ending one. A text is a name. */
  key?: BackendKey | string;
  /** Whether a holder with another spec is acceptable; default REUSE. */
  reusePolicy?: 'REUSE' | 'REQUIRE_SAME_SPEC';
}

export interface TokenOptions extends CallOptions {
  /** Passed to the backend as X-Spawner-User: at most 256 visible ASCII characters. */
  user?: string;
  /** Passed to the backend as X-Spawner-Claims, a JSON object of at most 4,096 bytes in ASCII. */
  claims?: Readonly<Record<string, string>>;
  /** How long new requests may be made with it: 1 second to 30 days; default 1 hour. */
  ttlMs?: number;
}

type SpawnAnswer = { backend: Backend; spawned: boolean };

const ENDING: readonly string[] = ['TERMINATING', 'TERMINATED'];

/** Spawner's API: session-lived backends. One object can serve any number of calls. */
export class Spawner {
  readonly #http: Http;

  constructor(options: SpawnerOptions) {
    this.#http = new Http(options);
  }

  /** Starts a backend. Resolves as soon as it is placed: its `url` works at once, and waits until it is ready. */
  async spawn(spec: BackendSpec, { key, reusePolicy, signal }: SpawnOptions = {}): Promise<SpawnedBackend> {
    const body = { spec, key: typeof key === 'string' ? { name: key } : key, reusePolicy };
    const { backend, spawned } = await this.#http.post<SpawnAnswer>('/v1/backends', body, signal);
    return { ...backend, spawned };
  }

  /** Throws a SpawnerError with code NOT_FOUND for a backend that is unknown or no longer known. */
  async get(id: string, { signal }: CallOptions = {}): Promise<Backend> {
    return this.#backend(pathOf(id), { signal });
  }

  /** The backend that holds a key. Returns undefined if the key is free. */
  async holder(key: BackendKey | string, { signal }: CallOptions = {}): Promise<Backend | undefined> {
    const path = `/v1/backends?${keyQuery(key)}`;
    const { backends } = await this.#http.json<{ backends?: Backend[] }>(path, { signal });
    return backends?.[0];
  }

  /** Ends the backend that holds a key. Throws a SpawnerError with code NOT_FOUND if the key is free. */
  async terminateHolder(
    key: BackendKey | string,
    { force = false, signal }: CallOptions & { force?: boolean } = {},
  ): Promise<Backend> {
    return this.#backend(`/v1/backends?${keyQuery(key)}&force=${force}`, { method: 'DELETE', signal });
  }

  /** Backends, newest first; pages are fetched as they are needed. */
  async *list(filter: ListFilter = {}, { signal }: CallOptions = {}): AsyncGenerator<Backend> {
    const query = queryOf(filter);
    for (let more = true; more; ) {
      const page = await this.#http.json<{ backends?: Backend[]; nextPageToken?: string }>(
        `/v1/backends?${query}`,
        { signal },
      );
      yield* page.backends ?? [];
      more = Boolean(page.nextPageToken);
      query.set('pageToken', page.nextPageToken ?? '');
    }
  }

  /** Explains why a backend is alive or ended, and why it was placed on its drone. */
  explain(id: string, { signal }: CallOptions = {}): Promise<Explanation> {
    return this.#http.json<Explanation>(`${pathOf(id)}/explain`, { signal });
  }

  /** Every step of a backend's life from its first; ends after TERMINATED. Reconnects by itself. */
  watch(id: string, options: WatchOptions = {}): AsyncGenerator<Backend> {
    return watch(this.#http, id, options);
  }

  /** Resolves when the backend is ready. Throws BackendEndedError if it ends first, and DEADLINE_EXCEEDED after `timeoutMs` (60 s). */
  async untilReady(
    id: string,
    { timeoutMs = 60_000, signal }: CallOptions & { timeoutMs?: number } = {},
  ): Promise<Backend> {
    const late = AbortSignal.timeout(timeoutMs);
    const either = signal ? AbortSignal.any([signal, late]) : late;
    try {
      const now = await this.get(id, { signal: either });
      if (now.state === 'READY') return now;
      if (ENDING.includes(now.state)) throw new BackendEndedError(now);
      for await (const backend of this.watch(id, { signal: either, afterRevision: now.revision })) {
        if (backend.state === 'READY') return backend;
        if (backend.state === 'TERMINATED') throw new BackendEndedError(backend);
      }
      throw new SpawnerError('UNAVAILABLE', 'the watch ended before the backend was ready', 0);
    } catch (error) {
      signal?.throwIfAborted();
      if (!late.aborted) throw error;
      throw new SpawnerError('DEADLINE_EXCEEDED', `not ready within ${timeoutMs} ms`, 0, { cause: error });
    }
  }

  /** The program's output, line by line. */
  async *logs(id: string, { follow = false, tail, signal }: LogOptions = {}): AsyncGenerator<LogLine> {
    const query = new URLSearchParams({ follow: String(follow) });
    if (tail !== undefined) query.set('tail', String(tail));
    const headers = { accept: 'application/x-ndjson' };
    const response = await this.#http.open(`${pathOf(id)}/logs?${query}`, { headers, signal });
    if (!response.body) return;
    try {
      for await (const line of linesOf(response.body)) if (line !== '') yield JSON.parse(line) as LogLine;
    } catch (cause) {
      signal?.throwIfAborted();
      throw new SpawnerError('UNAVAILABLE', 'the logs broke off', response.status, { cause });
    }
  }

  /** Ends a backend. Succeeds if it has ended already. `force` skips its grace. */
  async terminate(
    id: string,
    { force = false, signal }: CallOptions & { force?: boolean } = {},
  ): Promise<Backend> {
    return this.#backend(`${pathOf(id)}?force=${force}`, { method: 'DELETE', signal });
  }

  /** Lets one user in to a backend with `access: 'TOKEN'`. */
  createToken(id: string, { user, claims, ttlMs, signal }: TokenOptions = {}): Promise<ConnectionToken> {
    return this.#http.post<ConnectionToken>(`${pathOf(id)}/tokens`, { user, claims, ttlMs }, signal);
  }

  /** Revokes a token, a user's tokens, or all tokens of a backend, and cuts their connections. Returns how many were valid. */
  async revokeTokens(
    id: string,
    { tokenId, user, signal }: CallOptions & { tokenId?: string; user?: string } = {},
  ): Promise<number> {
    const which = { ...(tokenId === undefined ? {} : { tokenId }), ...(user === undefined ? {} : { user }) };
    const path = `${pathOf(id)}/tokens?${new URLSearchParams(which)}`;
    return (await this.#http.json<{ count: number }>(path, { method: 'DELETE', signal })).count;
  }

  /** The machines that backends run on. */
  async drones({ signal }: CallOptions = {}): Promise<Drone[]> {
    const { drones } = await this.#http.json<{ drones?: Drone[] }>('/v1/drones', { signal });
    return drones ?? [];
  }

  async #backend(path: string, init: RequestInit): Promise<Backend> {
    return (await this.#http.json<{ backend: Backend }>(path, init)).backend;
  }
}

function pathOf(id: string): string {
  return `/v1/backends/${encodeURIComponent(id)}`;
}

function keyQuery(key: BackendKey | string): URLSearchParams {
  const { namespace = '', name } = typeof key === 'string' ? { name: key } : key;
  return new URLSearchParams({ keyName: name, ...(namespace === '' ? {} : { keyNamespace: namespace }) });
}

function queryOf({ states = [], droneId, labels = {}, pageSize }: ListFilter): URLSearchParams {
  const query = new URLSearchParams();
  for (const state of states) query.append('state', state);
  for (const [name, value] of Object.entries(labels)) query.append('label', `${name}=${value}`);
  if (droneId !== undefined) query.set('droneId', droneId);
  if (pageSize !== undefined) query.set('pageSize', String(pageSize));
  return query;
}
