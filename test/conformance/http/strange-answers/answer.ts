/** An answer that no backend should give, and what a client must get of it. Bytes are latin1 text. */
export interface StrangeAnswer {
  name: string;
  /** The kind of request that it answers; a GET by default. */
  method?: 'HEAD' | 'handshake';
  /** Each piece is a packet of its own. `{accept}` is replaced by the accept value of a handshake's key. */
  pieces: string[];
  /** The end of the backend's connection afterwards; by default the connection stays open. */
  after?: 'end' | 'reset';
  /** Sent repeatedly until it is no longer taken. */
  forever?: string;
  right: Right;
  /** Paths that differ for a good reason. */
  unlike?: { ways: WayName[]; right: Right; why: string };
}

/** `refused`: our own 502. `broken off`: the same, or an answer that anybody can see to have no end. */
export type Right = Meant | 'refused' | 'broken off';

export interface Meant {
  status: number;
  /** Without those that belong to one hop or frame the body, and without `Date`; in lower case, the same ones joined. */
  headers: Record<string, string>;
  body: string;
}

export type WayName = 'fast path' | 'general path' | 'HTTP/2';

export const OK = 'HTTP/1.1 200 OK\r\n';
export const LENGTH = 'Content-Length: 2\r\n';
export const CHUNKED = 'Transfer-Encoding: chunked\r\n';

export function meant(headers: Record<string, string> = {}, body = 'hi', status = 200): Meant {
  return { status, headers, body };
}
