import { COLON, CR, endOfName, LF } from '../edge/header-lines.ts';

/**
 * Finds the end of a chunked body (RFC 9112 §7.1). Chunks and their extensions cross as they came; trailers are removed. A body
 * outside the plain grammar is `bad`, and cannot be completed.
 */
export class ChunkFollower {
  /** The last byte was seen. */
  done = false;
  bad = false;
  /** Trailers were removed, so the line end that closes the body has still to be written. */
  owesEnd = false;
  /** After `follow`: the offset behind the last byte that belongs to the body. */
  end = 0;
  #state = SIZE_FIRST;
  #left = 0;
  #digits = 0;
  #extra = 0;
  /** The trailer line that is being read. */
  #trailer = '';

  /** Takes the bytes from `from` to `to`. Returns the offset behind the last one that crosses as it is. */
  follow(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    let passes = from;
    while (at < to && !this.done && !this.bad) {
      if (this.#state === DATA) {
        const skipped = Math.min(this.#left, to - at);
        this.#left -= skipped;
        at += skipped;
        passes = at;
        if (this.#left === 0) this.#state = DATA_CR;
      } else {
        const inTrailers = this.owesEnd;
        this.#step(bytes[at] ?? 0);
        at += 1;
        if (!inTrailers && !this.owesEnd) passes = at;
      }
    }
    this.end = at;
    return passes;
  }

  #step(byte: number): void {
    switch (this.#state) {
      case SIZE_FIRST:
      case SIZE: {
        const digit = HEX[byte] ?? NOT_HEX;
        if (digit !== NOT_HEX) {
          this.#left = this.#left * 16 + digit;
          this.#digits += 1;
          this.#state = this.#digits > MOST_DIGITS ? this.#spoil() : SIZE;
        } else if (this.#state === SIZE && byte === CR) this.#state = SIZE_LF;
        else if (this.#state === SIZE && byte === SEMICOLON) this.#state = EXTENSION;
        else this.#spoil();
        return;
      }
      case EXTENSION:
        this.#extra += 1;
        if (byte === CR) this.#state = SIZE_LF;
        else if (isControl(byte) || this.#extra > MOST_EXTENSION) this.#spoil();
        return;
      case SIZE_LF:
        this.#digits = 0;
        this.#extra = 0;
        this.#expect(byte, LF, this.#left === 0 ? LAST : DATA);
        return;
      case DATA_CR:
        this.#expect(byte, CR, DATA_LF);
        return;
      case DATA_LF:
        this.#expect(byte, LF, SIZE_FIRST);
        return;
      case LAST:
        if (byte === CR) this.#state = END_LF;
        else if (isControl(byte)) this.#spoil();
        else {
          this.owesEnd = true;
          this.#state = TRAILER;
          this.#trailer = String.fromCharCode(byte);
        }
        return;
      case TRAILER:
        this.#extra += 1;
        if (byte === CR) this.#state = isTrailer(this.#trailer) ? TRAILER_LF : this.#spoil();
        else if (isControl(byte) || this.#extra > MOST_TRAILERS) this.#spoil();
        else this.#trailer += String.fromCharCode(byte);
        return;
      case TRAILER_LF:
        this.#expect(byte, LF, LAST);
        return;
      case END_LF:
        this.done = byte === LF;
        this.#expect(byte, LF, END_LF);
        return;
    }
  }

  #expect(byte: number, wanted: number, next: number): void {
    this.#state = next;
    if (byte !== wanted) this.#spoil();
  }

  #spoil(): number {
    this.bad = true;
    return this.#state;
  }
}

const SIZE_FIRST = 0;
const SIZE = 1;
const EXTENSION = 2;
const SIZE_LF = 3;
const DATA = 4;
const DATA_CR = 5;
const DATA_LF = 6;
const LAST = 7;
const TRAILER = 8;
const TRAILER_LF = 9;
const END_LF = 10;

const SEMICOLON = 0x3b;
const MOST_DIGITS = 12;
const MOST_EXTENSION = 1_024;
const MOST_TRAILERS = 16_384;

const NOT_HEX = 255;
const HEX = Uint8Array.from({ length: 256 }, (_, code) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(code).toLowerCase());
  return digit < 0 ? NOT_HEX : digit;
});

/** Whether the line is a field that may follow a body: framing may not (RFC 9110 §6.5.1). */
function isTrailer(line: string): boolean {
  const nameEnd = endOfName(line, 0);
  const name = line.slice(0, nameEnd).toLowerCase();
  return nameEnd > 0 && line.charCodeAt(nameEnd) === COLON && !FRAMING.has(name);
}

const FRAMING = new Set(['content-length', 'transfer-encoding']);

/** Tab is allowed here. */
function isControl(byte: number): boolean {
  return (byte < 0x20 && byte !== 0x09) || byte === 0x7f;
}
