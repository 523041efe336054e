import type { Script } from './recorder.ts';

/** One thing that a client, or a backend, may send to bring two readers of a connection apart, and what is right. */
export interface Payload {
  name: string;
  /** Latin1 text; `{host}` stands for the backend's name. Each piece is a packet of its own. */
  pieces: string[];
  /**
   * `one`: the backend gets what was meant and nothing else. `refused`: it gets no whole request, and the client a status
   * of 400 or above and the end of its connection. `either` of them; an incomplete request may also just wait.
   * `elsewhere`: it is well understood and for a host that is none of ours, which gets 404.
   */
  right: Right;
  meant: Meant[];
  /** What the backend answers before it has the whole request. */
  early?: string;
  /** What the backend answers instead of the usual. */
  script?: Script;
  /** With a `script`: whether the client gets its status, or 502. */
  status?: number;
}

export type Right = 'one' | 'refused' | 'either' | 'elsewhere';

export interface Meant {
  method: string;
  target: string;
  body: string;
}

/** A request that must not be found inside another one; its host is none of ours. */
export const INNER = 'GET /inner HTTP/1.1\r\nHost: inner.test\r\n\r\n';

/** Bytes as they are; where they are more than one meant request or none, `meant` says so. */
export function bytes(
  name: string,
  right: Right,
  text: string | string[],
  meant?: Partial<Meant>[],
): Payload {
  const pieces = [text].flat();
  const [method = '', target = ''] = (pieces[0] ?? '').split(' ');
  const whole = (some: Partial<Meant>) => ({ method, target, body: '', ...some });
  return {
    name,
    right,
    pieces,
    meant: right === 'refused' || right === 'elsewhere' ? [] : (meant ?? [{}]).map(whole),
  };
}

/** A GET with these header lines more. */
export function get(name: string, right: Right, ...lines: string[]): Payload {
  return bytes(name, right, head('GET', lines));
}

/** A POST with these header lines more, of which one or more frame its body; `meant` is the body as a backend should see it. */
export function post(name: string, right: Right, lines: string[], body: string, meant = body): Payload {
  return bytes(name, right, head('POST', lines) + body, [{ body: meant }]);
}

/** A POST with a chunked body. */
export function chunked(name: string, right: Right, body: string, meant = ''): Payload {
  return post(name, right, ['Transfer-Encoding: chunked'], body, meant);
}

/** A plain GET that the backend answers so. */
export function answered(
  name: string,
  right: Right,
  answer: string | Script,
  { method = 'GET', lines = [] as string[], status = undefined as number | undefined } = {},
): Payload {
  const script = typeof answer === 'string' ? () => answer : answer;
  return {
    ...bytes(name, right, head(method, lines)),
    script,
    status,
    meant: [{ method, target: '/x', body: '' }],
  };
}

export function head(method: string, lines: readonly string[]): string {
  return `${method} /x HTTP/1.1\r\nHost: {host}\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
}
