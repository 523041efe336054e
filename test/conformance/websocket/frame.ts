/** WebSocket frames as bytes (RFC 6455 §5.2), written freely enough to break every rule, and read strictly. */
import { randomBytes } from 'node:crypto';

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface Frame {
  opcode: number;
  payload?: Buffer | string;
  fin?: boolean;
  /** The three reserved bits as one number: 4 is RSV1. */
  rsv?: number;
  masked?: boolean;
}

export interface ReadFrame {
  fin: boolean;
  rsv: number;
  opcode: number;
  payload: Buffer;
}

/** A client's frame: masked unless it says otherwise, with the shortest form of its length. */
export function encode({ opcode, payload = '', fin = true, rsv = 0, masked = true }: Frame): Buffer {
  const data = Buffer.from(payload as Buffer);
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
  const bit = masked ? 0x80 : 0;
  if (data.length < 126) head.push(bit | data.length);
  else if (data.length < 65_536) head.push(bit | 126, data.length >> 8, data.length & 0xff);
  else {
    const length = Buffer.alloc(8);
    length.writeBigUInt64BE(BigInt(data.length));
    head.push(bit | 127, ...length);
  }
  if (!masked) return Buffer.concat([Buffer.from(head), data]);
  const mask = randomBytes(4);
  const copy = Buffer.from(data);
  for (let at = 0; at < copy.length; at++) copy[at] = (copy[at] ?? 0) ^ (mask[at & 3] ?? 0);
  return Buffer.concat([Buffer.from(head), mask, copy]);
}

/** A close frame's payload. */
export function closing(code: number, reason: Buffer | string = ''): Buffer {
  return Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason as Buffer)]);
}

/** Takes a server's bytes as they come and gives the frames that are whole. */
export class FrameReader {
  #pieces: Buffer[] = [];
  #length = 0;
  #wanted = 2;

  push(piece: Buffer): ReadFrame[] {
    this.#pieces.push(piece);
    this.#length += piece.length;
    const frames: ReadFrame[] = [];
    while (this.#length >= this.#wanted) {
      const bytes = this.#pieces.length === 1 ? (this.#pieces[0] ?? piece) : Buffer.concat(this.#pieces);
      const { frame, wanted } = take(bytes);
      const rest = frame ? bytes.subarray(wanted) : bytes;
      this.#pieces = [rest];
      this.#length = rest.length;
      this.#wanted = frame ? 2 : wanted;
      if (frame) frames.push(frame);
    }
    return frames;
  }

  /** Bytes of a frame that is not whole. */
  get left(): number {
    return this.#length;
  }
}

/** The frame at the beginning of these bytes and its size, or how many bytes are needed to read it. */
function take(bytes: Buffer): { frame?: ReadFrame; wanted: number } {
  const first = bytes[0] ?? 0;
  const second = bytes[1] ?? 0;
  if ((second & 0x80) !== 0) throw new Error('a server sent a masked frame');
  const head = second === 127 ? 10 : second === 126 ? 4 : 2;
  if (bytes.length < head) return { wanted: head };
  const length =
    second === 127 ? Number(bytes.readBigUInt64BE(2)) : second === 126 ? bytes.readUInt16BE(2) : second;
  const wanted = head + length;
  if (bytes.length < wanted) return { wanted };
  const payload = Buffer.from(bytes.subarray(head, wanted));
  const frame = { fin: (first & 0x80) !== 0, rsv: (first >> 4) & 7, opcode: first & 0x0f, payload };
  return { frame, wanted };
}
