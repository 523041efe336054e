/** An answer as no backend should give it, and what of it a client is to get. Bytes are latin1 text. */
export interface StrangeAnswer {
  name: string;
  /** What it answers; a GET where nothing is said. */
  method?: 'HEAD' | 'handshake';
  /** Each goes out alone. `{accept}` stands for the accept of a handshake's key. */
  pieces: string[];
  /** What the backend does with its connection afterwards; it keeps it where nothing is said. */
  after?: 'end' | 'reset';
  /** Follows again and again, until nobody takes it. */
  forever?: string;
  right: Right;
  /** Ways that differ for a good reason. */
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
