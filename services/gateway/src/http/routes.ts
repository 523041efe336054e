/** Every path of the HTTP API, once: the router asks this table, and the OpenAPI document is made from it. */
export interface Route extends Row {
  readonly operation: Operation;
  readonly status: number;
}

export type Operation = keyof typeof TABLE;

interface Row {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** With `{id}` in place of the id of a backend or drone. */
  readonly path: string;
  readonly summary: string;
  /** 200 by default. */
  readonly status?: number;
  /** A second status of success, and when it is answered. */
  readonly also?: { readonly status: number; readonly when: string };
  readonly query?: readonly Parameter[];
  /** Whether the request is a JSON body. */
  readonly body?: true;
  /** The answer, if it is not the message of the operation in JSON. */
  readonly stream?: { readonly contentTypes: readonly string[]; readonly description: string };
}

export interface Parameter {
  readonly name: string;
  readonly type: 'integer' | 'string' | 'boolean';
  readonly repeated?: boolean;
  readonly description: string;
}

const parameter = (name: string, description: string, type: Parameter['type'] = 'string'): Parameter => ({
  name,
  type,
  description,
});

const KEY = [
  parameter('keyName', 'The name of a key; no other parameter may select then'),
  parameter('keyNamespace', 'The namespace of the key, where it has one'),
];

const FORCE = parameter('force', 'SIGKILL at once, without its grace', 'boolean');

const TABLE = {
  spawnBackend: {
    method: 'POST',
    path: '/v1/backends',
    summary:
      'Starts a backend, or with a key returns its living holder. Answers as soon as it is placed; its URL works at once.',
    status: 201,
    also: { status: 200, when: 'The living holder of the key.' },
    body: true,
  },
  listBackends: {
    method: 'GET',
    path: '/v1/backends',
    summary: 'Backends, newest first, in pages; or the one that holds a key.',
    query: [
      parameter('pageSize', '1 to 1000; default 100', 'integer'),
      parameter('pageToken', 'nextPageToken of the page before'),
      { ...parameter('state', 'Only in this state, or one of these'), repeated: true },
      parameter('droneId', 'Only on this drone'),
      {
        ...parameter('label', 'Only with this label, written name=value, or with all of these'),
        repeated: true,
      },
      ...KEY,
    ],
  },
  getBackend: {
    method: 'GET',
    path: '/v1/backends/{id}',
    summary: 'One backend.',
  },
  explainBackend: {
    method: 'GET',
    path: '/v1/backends/{id}/explain',
    summary: 'Why it is alive or why it ended, and why it is where it is.',
  },
  watchBackend: {
    method: 'GET',
    path: '/v1/backends/{id}/events',
    summary: 'Every step of its life as server-sent events; ends after TERMINATED.',
    also: { status: 204, when: 'Last-Event-ID has seen the end.' },
    stream: {
      contentTypes: ['text/event-stream'],
      description: 'Each event: `id` is the revision, `data` a Backend. Last-Event-ID resumes.',
    },
  },
  tailLogs: {
    method: 'GET',
    path: '/v1/backends/{id}/logs',
    summary: 'What its program wrote.',
    query: [
      parameter('follow', 'Go on until the backend ends', 'boolean'),
      parameter('tail', 'Begin with this many lines; all that are kept by default', 'integer'),
    ],
    stream: {
      contentTypes: ['text/plain', 'application/x-ndjson'],
      description:
        'Lines as text; with `Accept: application/x-ndjson` one TailLogsResponse a line, and an empty line after 15 s of quiet.',
    },
  },
  terminateBackend: {
    method: 'DELETE',
    path: '/v1/backends/{id}',
    summary: 'Ends a backend. One that has ended already is success.',
    query: [FORCE],
  },
  terminateBackendByKey: {
    method: 'DELETE',
    path: '/v1/backends',
    summary: 'Ends the backend that holds a key.',
    query: [...KEY, FORCE],
  },
  createConnectionToken: {
    method: 'POST',
    path: '/v1/backends/{id}/tokens',
    summary:
      'Creates a connection token for one user of a backend whose access is TOKEN. Only this answer contains the token.',
    status: 201,
    body: true,
  },
  revokeConnectionTokens: {
    method: 'DELETE',
    path: '/v1/backends/{id}/tokens',
    summary: 'Takes tokens of a backend back, and cuts within a second what is open with them.',
    query: [
      parameter('user', 'Only those of this user; given and empty: of those that name no user'),
      parameter('tokenId', 'Only this one'),
    ],
  },
  listDrones: {
    method: 'GET',
    path: '/v1/drones',
    summary: 'The machines that backends run on.',
  },
  forgetDrone: {
    method: 'DELETE',
    path: '/v1/drones/{id}',
    summary: 'Gives up a drone that does not renew; its backends end as DRONE_LOST.',
  },
} satisfies Record<string, Row>;

export const ROUTES: readonly Route[] = Object.entries<Row>(TABLE).map(([operation, row]) => ({
  status: 200,
  ...row,
  operation: operation as Operation,
}));
