/**
 * Follows where WebSocket frames begin and end in a byte stream (RFC 6455 §5.2), so that a frame can be put between two others.
 * It does not look at payloads, and keeps at most one frame's header.
 */
export class FrameFollower {
  #header: number[] = [];
  #payloadLeft = 0;

  /** Whether the bytes so far end with a whole frame. */
  get betweenFrames(): boolean {
    return this.#header.length === 0 && this.#payloadLeft === 0;
  }

  /** Follows the next bytes, or the first `length` of them. */
  follow(chunk: Uint8Array, length = chunk.length): void {
    for (let at = 0; at < length; ) at = this.#whole(chunk, at, length) ?? this.#step(chunk, at, length);
  }

  /** The offset in the next bytes at which the current frame ends; -1 if it continues after them. */
  endOfFrame(chunk: Uint8Array): number {
    if (this.betweenFrames) return 0;
    for (let at = 0; at < chunk.length; ) {
      at = this.#step(chunk, at, chunk.length);
      if (this.betweenFrames) return at;
    }
    return -1;
  }

  /** The offset behind a whole, short frame that begins here, as most do; undefined otherwise. */
  #whole(chunk: Uint8Array, at: number, length: number): number | undefined {
    if (!this.betweenFrames || at + 4 > length) return undefined;
    const second = chunk[at + 1] ?? 0;
    if (second > 126) return undefined;
    const end = second < 126 ? at + 2 + second : at + 4 + (chunk[at + 2] ?? 0) * 256 + (chunk[at + 3] ?? 0);
    return end <= length ? end : undefined;
  }

  #step(chunk: Uint8Array, at: number, to: number): number {
    if (this.#payloadLeft > 0) {
      const skipped = Math.min(this.#payloadLeft, to - at);
      this.#payloadLeft -= skipped;
      return at + skipped;
    }
    this.#header.push(chunk[at] ?? 0);
    const length = payloadLength(this.#header);
    if (length !== undefined) {
      this.#header = [];
      this.#payloadLeft = length;
    }
    return at + 1;
  }
}

/** Undefined until the header is whole: two bytes, an extended length of 0, 2 or 8, and a mask of 0 or 4. */
function payloadLength(header: readonly number[]): number | undefined {
  const [, second] = header;
  if (second === undefined) return undefined;
  const short = second & 0x7f;
  const extended = short === 127 ? 8 : short === 126 ? 2 : 0;
  const mask = (second & 0x80) === 0 ? 0 : 4;
  if (header.length < 2 + extended + mask) return undefined;
  if (extended === 0) return short;
  return header.slice(2, 2 + extended).reduce((length, byte) => length * 256 + byte, 0);
}

/** Close code of an endpoint that goes away (RFC 6455 §7.4.1). */
export const GOING_AWAY = 1001;

/** An unmasked close frame, as a server sends it (RFC 6455 §5.5.1); the reason has at most 123 bytes. */
export function closeFrame(code: number, reason: string): Buffer {
  const text = Buffer.from(reason, 'utf8').subarray(0, 123);
  return Buffer.concat([Buffer.from([0x88, 2 + text.length, code >> 8, code & 0xff]), text]);
}
