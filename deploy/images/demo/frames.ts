/**
 * WebSocket frames (RFC 6455 §5) without a socket: bytes in, frames out. What a peer may not send is a
 * `ProtocolError` that carries the close code to answer with; nothing longer than the limit is ever collected.
 */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface Frame {
  final: boolean;
  opcode: number;
  payload: Buffer;
}

export class ProtocolError extends Error {
  readonly closeCode: number;
  constructor(closeCode: number, message: string) {
    super(message);
    this.closeCode = closeCode;
  }
}

const KNOWN_OPCODES: readonly number[] = Object.values(OPCODE);
const MAX_CONTROL_BYTES = 125;

/** One whole, unmasked frame, as a server sends it. */
export function encodeFrame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const extra = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + extra);
  head[0] = 0x80 | opcode;
  head[1] = extra === 0 ? length : extra === 2 ? 126 : 127;
  if (extra === 2) head.writeUInt16BE(length, 2);
  if (extra === 8) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}

interface Head {
  final: boolean;
  opcode: number;
  maskAt: number;
  length: number;
}

/** Collects a client's bytes and gives the whole frames in them, unmasked. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #size = 0;
  #needed = 2;
  readonly #maxPayloadBytes: number;

  constructor(maxPayloadBytes: number) {
    this.#maxPayloadBytes = maxPayloadBytes;
  }

  /** Throws ProtocolError 1002 for a malformed frame and 1009 for one above the limit, before it is read. */
  *push(chunk: Buffer): Generator<Frame> {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#size >= this.#needed) {
      const bytes = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
      this.#chunks = [bytes];
      const head = readHead(bytes, this.#maxPayloadBytes);
      if (typeof head === 'number') {
        this.#needed = head;
        continue;
      }
      const start = head.maskAt + 4;
      const end = start + head.length;
      this.#needed = end;
      if (bytes.length < end) continue;
      const payload = unmask(bytes.subarray(start, end), bytes.subarray(head.maskAt, start));
      this.#chunks = [bytes.subarray(end)];
      this.#size = bytes.length - end;
      this.#needed = 2;
      yield { final: head.final, opcode: head.opcode, payload };
    }
  }
}

/** The head of the first frame, or how many bytes are needed to read it. */
function readHead(bytes: Buffer, maxPayloadBytes: number): Head | number {
  const first = bytes[0]!;
  const second = bytes[1]!;
  const opcode = first & 0x0f;
  const final = (first & 0x80) !== 0;
  const short = second & 0x7f;
  if ((first & 0x70) !== 0) throw new ProtocolError(1002, 'reserved bits are set');
  if (!KNOWN_OPCODES.includes(opcode)) throw new ProtocolError(1002, 'unknown opcode');
  if ((second & 0x80) === 0) throw new ProtocolError(1002, 'a client must mask its frames');
  if (opcode >= OPCODE.close && (!final || short > MAX_CONTROL_BYTES)) {
    throw new ProtocolError(1002, 'a control frame is short and whole');
  }
  const maskAt = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < maskAt) return maskAt;
  const length =
    short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  if (length > maxPayloadBytes && opcode < OPCODE.close) {
    throw new ProtocolError(1009, 'the message is too long');
  }
  return { final, opcode, maskAt, length };
}

function unmask(payload: Buffer, mask: Buffer): Buffer {
  const plain = Buffer.allocUnsafe(payload.length);
  for (let i = 0; i < payload.length; i++) plain[i] = payload[i]! ^ mask[i & 3]!;
  return plain;
}
