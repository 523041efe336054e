/**
 * Reads a query strictly: one question, no compression in its name, no record past the end, no bytes left over. Every
 * record takes at least eleven bytes, so the work is bounded by the packet, whatever its counts claim. A 42-byte packet
 * that claims 4 × 65535 records is refused at once.
 *
 * A name becomes a text with one character per byte. A dot inside a label becomes U+012E, whose low byte is that of a dot.
 * It separates no labels, and writing the low bytes returns the name byte for byte, including its case (0x20).
 */
import { RCODE, type Rcode, TYPE } from './records.ts';

export const HEADER_BYTES = 12;
/** A dot within a label. */
export const INNER_DOT = '\u012e';

const MAX_NAME_BYTES = 255;
const OPCODE_QUERY = 0;

export interface Question {
  name: string;
  type: number;
  class: number;
}

/** The client's OPT record (RFC 6891 §6.1). */
export interface Edns {
  version: number;
  udpBytes: number;
  dnssecOk: boolean;
}

export interface Query {
  id: number;
  opcode: number;
  recursionDesired: boolean;
  /** Missing if it could not be read or is not needed. */
  question?: Question;
  edns?: Edns;
  /** The code to answer with if the query cannot be answered. */
  problem?: Rcode;
}

/** Returns undefined if the packet must not be answered: it is too short for a header, or an answer itself. */
export function readQuery(bytes: Buffer): Query | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const flags = bytes.readUInt16BE(2);
  if (flags & 0x8000) return undefined;
  const query: Query = {
    id: bytes.readUInt16BE(0),
    opcode: (flags >> 11) & 0xf,
    recursionDesired: (flags & 0x0100) !== 0,
  };
  if (query.opcode !== OPCODE_QUERY) return { ...query, problem: RCODE.NOTIMP };
  if (bytes.readUInt16BE(4) !== 1) return { ...query, problem: RCODE.FORMERR };
  try {
    return readBody(new Cursor(bytes, HEADER_BYTES), query);
  } catch (error) {
    if (error instanceof Malformed) return { ...query, problem: RCODE.FORMERR };
    throw error;
  }
}

function readBody(cursor: Cursor, header: Query): Query {
  const { bytes } = cursor;
  const question = { name: cursor.name(), type: cursor.uint16(), class: cursor.uint16() };
  const query: Query = { ...header, question };
  if (question.type === TYPE.OPT) return { ...query, problem: RCODE.FORMERR };
  const answers = bytes.readUInt16BE(6) + bytes.readUInt16BE(8);
  for (let left = answers; left > 0; left--) cursor.record();
  for (let left = bytes.readUInt16BE(10); left > 0; left--) {
    const edns = cursor.record();
    if (edns && query.edns) throw new Malformed();
    if (edns) query.edns = edns;
  }
  if (!cursor.atEnd) throw new Malformed();
  return query.edns && query.edns.version > 0 ? { ...query, problem: RCODE.BADVERS } : query;
}

class Malformed extends Error {
  override readonly name = 'Malformed';
}

class Cursor {
  readonly bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes;
    this.#at = at;
  }

  get atEnd(): boolean {
    return this.#at === this.bytes.length;
  }

  uint16(): number {
    return this.bytes.readUInt16BE(this.#take(2));
  }

  name(): string {
    const labels: string[] = [];
    for (let size = 1; ; ) {
      const length = this.#byte();
      if (length === 0) return labels.join('.');
      size += length + 1;
      if (length > 63 || size > MAX_NAME_BYTES) throw new Malformed();
      const at = this.#take(length);
      labels.push(this.bytes.toString('latin1', at, at + length).replaceAll('.', INNER_DOT));
    }
  }

  /** Skips a record. Returns its content if it is an OPT. */
  record(): Edns | undefined {
    const isRoot = this.#skipName();
    const type = this.uint16();
    const udpBytes = this.uint16();
    const flags = this.bytes.readUInt32BE(this.#take(4));
    this.#take(this.uint16());
    if (type !== TYPE.OPT) return undefined;
    if (!isRoot) throw new Malformed();
    return { version: (flags >>> 16) & 0xff, udpBytes, dnssecOk: (flags & 0x8000) !== 0 };
  }

  /** Skips a name, and returns whether it was the root. A pointer ends a name, and is not followed. */
  #skipName(): boolean {
    const start = this.#at;
    for (;;) {
      const length = this.#byte();
      if (length === 0) return this.#at === start + 1;
      if (length >= 0xc0) {
        this.#take(1);
        return false;
      }
      if (length > 63) throw new Malformed();
      this.#take(length);
    }
  }

  #byte(): number {
    return this.bytes.readUInt8(this.#take(1));
  }

  #take(count: number): number {
    const at = this.#at;
    if (at + count > this.bytes.length) throw new Malformed();
    this.#at = at + count;
    return at;
  }
}
