/**
 * HTTP/2 frames (RFC 9113 §4) and headers as plain literals (RFC 7541 §6.2.2), so that a client can say what no HTTP/2
 * library would. Text is latin1.
 */
export const DATA = 0x0;
export const HEADERS = 0x1;
export const RST_STREAM = 0x3;
export const SETTINGS = 0x4;
export const GOAWAY = 0x7;
export const CONTINUATION = 0x9;
export const END_STREAM = 0x1;
export const END_HEADERS = 0x4;
const ACK = 0x1;

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
export const SETTINGS_ACK = frame(SETTINGS, ACK, 0, Buffer.alloc(0));

export interface Frame {
  type: number;
  flags: number;
  stream: number;
  payload: Buffer;
}

export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A header block of these fields, in their order, as they are. */
export function block(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]));
}

/** The whole frames among these bytes, and what is left. */
export function framesIn(bytes: Buffer): { frames: Frame[]; rest: Buffer } {
  const frames: Frame[] = [];
  let at = 0;
  while (bytes.length - at >= 9) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    if (end > bytes.length) break;
    const [type, flags] = [bytes.readUInt8(at + 3), bytes.readUInt8(at + 4)];
    frames.push({ type, flags, stream: bytes.readUInt32BE(at + 5), payload: bytes.subarray(at + 9, end) });
    at = end;
  }
  return { frames, rest: bytes.subarray(at) };
}

/** The status with which a header block begins, as the first block of a connection has it (RFC 7541 §6.1, §6.2, appendix A). */
export function statusOf(payload: Buffer): number {
  let at = 0;
  while (((payload[at] ?? 0) & 0xe0) === 0x20) at += 1;
  const first = payload[at] ?? 0;
  if (first >= 0x80) return INDEXED[first & 0x7f] ?? Number.NaN;
  const length = payload[at + 1] ?? 0;
  const value = payload.subarray(at + 2, at + 2 + (length & 0x7f));
  return length >= 0x80 ? huffmanDigits(value) : Number(value.toString('latin1'));
}

const INDEXED: Readonly<Record<number, number>> = {
  8: 200,
  9: 204,
  10: 206,
  11: 304,
  12: 400,
  13: 404,
  14: 500,
};

/** Three digits in the code of RFC 7541, appendix B: 0 to 2 have five bits, the others six. */
function huffmanDigits(value: Buffer): number {
  let bits = [...value].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  let digits = '';
  while (digits.length < 3) {
    const short = Number.parseInt(bits.slice(0, 5), 2);
    const long = Number.parseInt(bits.slice(0, 6), 2);
    digits += short <= 2 ? short : long - 0x19 + 3;
    bits = bits.slice(short <= 2 ? 5 : 6);
  }
  return Number(digits);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  const { length } = bytes;
  if (length < 127) return Buffer.concat([Buffer.of(length), bytes]);
  const more: number[] = [];
  let left = length - 127;
  for (; left >= 128; left >>= 7) more.push((left & 127) | 128);
  return Buffer.concat([Buffer.of(127, ...more, left), bytes]);
}
