import type { Script } from './recorder.ts';

/** Bytes with which a client or a backend may bring two readers of a connection apart, and the outcome that we chose. */
export interface Payload {
  name: string;
  /** Latin1 text; `{host}` is replaced by the backend's hostname. Each piece is a packet of its own. */
  pieces: string[];
  right: Outcome;
  /** The first status that the client gets; undefined if it gets none, or for `broken off`. */
  status: number | undefined;
  /** How the stream of a request of HTTP/2 ends. */
  end?: StreamEnd;
  /** The requests that the backend gets. */
  meant: Meant[];
  /** The status with which bytes behind the meant requests are refused; undefined if no further answer may come. */
  after?: number;
  /** Sent by the backend before it has the whole request. */
  early?: string;
  /** Replaces the backend's usual answer. */
  script?: Script;
}

/**
 * - `one`: the backend gets the requests in `meant` and no others, and the client gets the status for each.
 * - `refused`: the backend gets no whole request; the client gets the status and the end of its connection.
 * - `elsewhere`: the request is valid and its host is not ours. The client gets 404 and keeps its connection.
 * - `waits`: the request is not whole, or its backend does not answer. The client gets nothing before a timeout.
 * - `broken off`: the backend's answer fails after its head. The client gets 502 if the head was not sent yet, otherwise
 *   an answer that visibly has no end.
 */
export type Outcome = 'one' | 'refused' | 'elsewhere' | 'waits' | 'broken off';

/** An outcome and, if it is not the usual one, its status. */
export type Right = Outcome | `${'one' | 'refused'} ${number}`;

/**
 * How a stream of HTTP/2 ended for its client (RFC 9113 §5.4). A `stream error` is a reset, a `connection error` a GOAWAY.
 * `lost`: the connection closed and no frame said why.
 */
export type StreamEnd = 'answer' | 'stream error' | 'connection error' | 'own reset' | 'lost';

const USUAL_STATUS: Readonly<Partial<Record<Outcome, number>>> = { one: 200, refused: 400, elsewhere: 404 };

export interface Meant {
  method: string;
  target: string;
  body: string;
}

/** A request that must not be found inside another one; its host is none of ours. */
export const INNER = 'GET /inner HTTP/1.1\r\nHost: inner.test\r\n\r\n';

/** Whether a proxy may refuse a request with this status: 501 and 505 are the standard's own (RFC 9110 §15.6.2, §15.6.6). */
export function isRefusal(status: number): boolean {
  return (status >= 400 && status < 500) || status === 501 || status === 505;
}

export function rightOf(right: Right): Pick<Payload, 'right' | 'status'> {
  const [, outcome, status] = /^(.*?)(?: (\d{3}))?$/.exec(right) ?? [];
  const own = outcome as Outcome;
  return { right: own, status: status === undefined ? USUAL_STATUS[own] : Number(status) };
}

/** Raw bytes; `meant` is for those that are not exactly one request. */
export function bytes(
  name: string,
  right: Right,
  text: string | string[],
  meant?: Partial<Meant>[],
): Payload {
  const pieces = [text].flat();
  const [method = '', target = ''] = (pieces[0] ?? '').split(' ');
  const whole = (some: Partial<Meant>) => ({ method, target, body: '', ...some });
  const outcome = rightOf(right);
  const unmet = outcome.right === 'refused' || outcome.right === 'elsewhere';
  return { name, ...outcome, pieces, meant: unmet ? [] : (meant ?? [{}]).map(whole) };
}

/** A GET with these additional header lines. */
export function get(name: string, right: Right, ...lines: string[]): Payload {
  return bytes(name, right, head('GET', lines));
}

/** A POST with these header lines, which frame its body; `meant` is the body as a backend should see it. */
export function post(name: string, right: Right, lines: string[], body: string, meant = body): Payload {
  return bytes(name, right, head('POST', lines) + body, [{ body: meant }]);
}

/** A POST with a chunked body. */
export function chunked(name: string, right: Right, body: string, meant = ''): Payload {
  return post(name, right, ['Transfer-Encoding: chunked'], body, meant);
}

/** A plain request that the backend answers with `answer`. */
export function answered(
  name: string,
  right: Right,
  answer: string | Script,
  { method = 'GET' } = {},
): Payload {
  const script = typeof answer === 'string' ? () => answer : answer;
  return { ...bytes(name, right, head(method, [])), script, meant: [{ method, target: '/x', body: '' }] };
}

export function head(method: string, lines: readonly string[]): string {
  return `${method} /x HTTP/1.1\r\nHost: {host}\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
}
