type Headers = Readonly<Record<string, string>>;

/** The result of a handler. wire.ts sends it. */
export type Reply =
  | { kind: 'text'; status: number; type: string; body: string; headers?: Headers }
  | { kind: 'stream'; status: 200; type: string; chunks: AsyncIterable<string>; headers?: Headers }
  | { kind: 'empty'; status: number };

/** A reply with the headers that do not depend on its kind. */
export interface Answer {
  reply: Reply;
  headers: Headers;
}

export function json(body: object, status = 200): Reply {
  return { kind: 'text', status, type: 'application/json', body: `${JSON.stringify(body)}\n` };
}

export function stream(type: string, chunks: AsyncIterable<string>, headers: Headers = {}): Reply {
  return { kind: 'stream', status: 200, type, chunks, headers };
}
