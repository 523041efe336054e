/** The result of a handler. wire.ts sends it. */
export type Reply =
  | { kind: 'text'; status: number; type: string; body: string; headers?: Readonly<Record<string, string>> }
  | { kind: 'stream'; type: string; chunks: AsyncIterable<string> }
  | { kind: 'empty'; status: number };

export function json(body: object, status = 200): Reply {
  return { kind: 'text', status, type: 'application/json', body: `${JSON.stringify(body)}\n` };
}
