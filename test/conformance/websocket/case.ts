/** One case: what a client sends, and what a backend that keeps to RFC 6455 makes of it. */
import { encode, type Frame } from './frame.ts';

export interface Case {
  /** Its chapter in the Autobahn list where it has one. */
  name: string;
  /** Pieces in which the bytes are written. */
  bytes(): Iterable<Buffer>;
  /** The client's end: a close frame and its answer, the end of our half, or none because the backend closes. */
  finish: 'close' | 'end' | 'wait';
  /** Code with which the backend closes (RFC 6455 §7.4.1), 1005 for a close frame without one, 1006 for an end without a close frame. */
  closes: number;
  /** How many messages come back. */
  echoes: number;
  /** Value of the handshake's Sec-WebSocket-Extensions. */
  offer?: string;
}

/** Well-formed: `echoes` messages come back and the close is an ordinary one. */
export function good(name: string, echoes: number, ...frames: Frame[]): Case {
  return { name, bytes: () => frames.map(encode), finish: 'close', closes: 1000, echoes };
}

/** Broken: after `echoes` messages the backend closes with this code. */
export function bad(name: string, closes: number, echoes: number, ...frames: Frame[]): Case {
  return { name, bytes: () => frames.map(encode), finish: 'wait', closes, echoes };
}

/** The same bytes in pieces of this size. */
export function chopped(one: Case, size: number): Case {
  return { ...one, name: `${one.name}, in pieces of ${size}`, bytes: () => pieces(one.bytes(), size) };
}

function* pieces(chunks: Iterable<Buffer>, size: number): Iterable<Buffer> {
  const all = Buffer.concat([...chunks]);
  for (let at = 0; at < all.length; at += size) yield all.subarray(at, at + size);
}
