/** The public HTTP API and the proxy, as a test uses them: short calls that say what went wrong. */
import { eventually, type HttpAnswer, PATIENCE, type RequestOptions, request } from '@spawner/testkit';
import { WebSocket } from 'ws';

/** A backend as the API's JSON has it; a field that is not set is absent. */
export interface BackendJson {
  id: string;
  state: string;
  revision?: string | number;
  url: string;
  droneId?: string;
  endReason?: string;
  endDetail?: string;
  exitCode?: number;
  lastLogs?: string[];
  events?: { state: string; time?: string }[];
  key?: { namespace?: string; name: string; tag?: string };
  fence?: number;
  unreachable?: boolean;
  activity?: { openConnections?: number; idleForMs?: number | string };
}

/** Every field that an answer of the API may have. */
export interface ApiJson {
  backend?: BackendJson;
  spawned?: boolean;
  backends?: BackendJson[];
  nextPageToken?: string;
  drones?: { id: string; state: string; runtime: string; reserved?: { backends?: string | number } }[];
  code?: string;
  message?: string;
  details?: unknown;
}

export interface ApiAnswer {
  status: number;
  json: ApiJson;
}

export interface Api {
  call(method: string, path: string, body?: unknown): Promise<ApiAnswer>;
  /** Spawns and gives the backend; throws unless the answer is 200 or 201. */
  spawn(spec: Record<string, unknown>): Promise<BackendJson>;
  backend(id: string): Promise<BackendJson>;
  /** Resolves when the backend is in this state; rejects, saying what it was last, after `timeoutMs` (PATIENCE.stateMs) or once it has ended otherwise. */
  inState(id: string, state: string, timeoutMs?: number): Promise<BackendJson>;
  /** Spawns and waits for READY. */
  spawnReady(spec: Record<string, unknown>): Promise<BackendJson>;
  /** The states that the event stream tells, up to and including `last` (TERMINATED) or the stream's end. */
  watchStates(id: string, last?: string): Promise<string[]>;
  terminate(id: string, force?: boolean): Promise<ApiAnswer>;
}

export function apiOf(port: number, failed: (error: unknown) => unknown, address = '127.0.0.1'): Api {
  const call: Api['call'] = async (method, path, body) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const text = body === undefined ? undefined : JSON.stringify(body);
    const answer = await request({ address, port, method, path, headers, body: text });
    return { status: answer.status, json: parsed(answer.body) };
  };
  const expectStatus = async (wanted: number[], method: string, path: string, body?: unknown) => {
    const { status, json } = await call(method, path, body);
    if (wanted.includes(status)) return json;
    throw failed(new Error(`${method} ${path} was answered ${status}: ${JSON.stringify(json)}`));
  };
  const spawn: Api['spawn'] = async (spec) =>
    backendIn(await expectStatus([200, 201], 'POST', '/v1/backends', { spec }));
  const backend: Api['backend'] = async (id) =>
    backendIn(await expectStatus([200], 'GET', `/v1/backends/${id}`));
  const inState: Api['inState'] = async (id, state, timeoutMs = PATIENCE.stateMs) => {
    const check = async () => {
      const now = await backend(id);
      if (now.state === state) return now;
      if (now.state !== 'TERMINATED') throw new Error(`${id} is ${now.state}, not ${state}`);
      return new Error(`${id} ended before it was ${state}: ${JSON.stringify(now)}`);
    };
    const found = await eventually(check, { timeoutMs }).catch((error: Error) => error);
    if (found instanceof Error) throw failed(found);
    return found;
  };
  return {
    call,
    spawn,
    backend,
    inState,
    spawnReady: async (spec) => inState((await spawn(spec)).id, 'READY'),
    watchStates: (id, last = 'TERMINATED') => watchStates(`${address}:${port}`, id, last),
    terminate: (id, force = false) => call('DELETE', `/v1/backends/${id}${force ? '?force=true' : ''}`),
  };
}

export type BackendRequest = Omit<RequestOptions, 'address' | 'port' | 'host' | 'path'>;

/** Requests to a backend through a proxy, by its host name. */
export function edgeOf(port: number, domain: string, address = '127.0.0.1') {
  const host = (id: string) => `${id}.${domain}`;
  return {
    fetchBackend: (id: string, path = '/', options: BackendRequest = {}): Promise<HttpAnswer> =>
      request({ ...options, address, port, path, host: host(id) }),
    /** Resolves when the WebSocket is open; rejects when it is refused. */
    openWebSocket: (id: string, path = '/'): Promise<WebSocket> =>
      new Promise((resolve, reject) => {
        const headers = { host: host(id) };
        const socket = new WebSocket(`ws://${address}:${port}${path}`, {
          headers,
          handshakeTimeout: PATIENCE.stateMs,
        });
        socket.once('open', () => resolve(socket));
        socket.once('error', reject);
      }),
  };
}

async function watchStates(gateway: string, id: string, last: string): Promise<string[]> {
  const url = `http://${gateway}/v1/backends/${id}/events`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE.streamMs) });
  if (!answer.ok || !answer.body) throw new Error(`the event stream was answered ${answer.status}`);
  const states: string[] = [];
  let text = '';
  for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines.filter((each) => each.startsWith('data:'))) {
      const { state } = backendIn(JSON.parse(line.slice(5)) as ApiJson);
      if (states.at(-1) !== state) states.push(state);
      if (state === last) return states;
    }
  }
  return states;
}

/** The backend of an answer that has one beside other things, or that is one. */
function backendIn(json: ApiJson): BackendJson {
  return json.backend ?? (json as BackendJson);
}

/** Text that is not JSON becomes the message. */
function parsed(text: string): ApiJson {
  try {
    return JSON.parse(text) as ApiJson;
  } catch {
    return { message: text };
  }
}
