import { LogStream, type TailLogsResponse } from '@spawner/proto/v1/backend_service';

/** A longer log line is split. */
const MOST_BYTES = 64 * 1024;
const HEADER = 8;
const NEWLINE = 0x0a;

/** Splits one stream of bytes into lines. Chunks may end anywhere, even within a character. */
export class LineSplitter {
  readonly #most: number;
  #rest: Buffer = Buffer.alloc(0);

  /** Lines longer than `most` bytes are split. */
  constructor(most = MOST_BYTES) {
    this.#most = most;
  }

  /** Whether a line has begun and not ended yet. */
  get unfinished(): boolean {
    return this.#rest.length > 0;
  }

  take(bytes: Buffer): string[] {
    const lines: string[] = [];
    let rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    for (;;) {
      const end = rest.indexOf(NEWLINE);
      // The byte behind a piece tells whether its last character is whole.
      if (end === -1 && rest.length <= this.#most) break;
      const whole = end !== -1 && end <= this.#most;
      const cut = whole ? end : wholeCharacters(rest, this.#most);
      lines.push(text(rest.subarray(0, cut)));
      rest = rest.subarray(whole ? cut + 1 : cut);
    }
    this.#rest = Buffer.from(rest);
    return lines;
  }

  /** The bytes after the last newline, if there are any. */
  end(): string[] {
    const lines = this.#rest.length > 0 ? [text(this.#rest)] : [];
    this.#rest = Buffer.alloc(0);
    return lines;
  }
}

/** The most of these bytes up to `most` that ends with a whole character of UTF-8, whose further bytes begin with 10 (RFC 3629). */
function wholeCharacters(bytes: Buffer, most: number): number {
  const begins = (at: number) => ((bytes[at] ?? 0) & 0b1100_0000) !== 0b1000_0000;
  const back = [0, 1, 2, 3].find((each) => each < most && begins(most - each)) ?? 0;
  return most - back;
}

/**
 * Reads the engine's multiplexed log stream, whose lines begin with their time. A frame has a header of stream number,
 * three zeroes and a big-endian length (Docker Engine API, ContainerAttach). A line of more than 16 KiB comes in several
 * frames, and each of them begins with the time.
 */
export class FrameReader {
  readonly #cutters = new Map<LogStream, LineSplitter>();
  #rest: Buffer = Buffer.alloc(0);

  take(bytes: Buffer): TailLogsResponse[] {
    const lines: TailLogsResponse[] = [];
    let rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (rest.length >= HEADER && rest.length >= HEADER + rest.readUInt32BE(4)) {
      const end = HEADER + rest.readUInt32BE(4);
      const stream = rest[0] === 2 ? LogStream.STDERR : LogStream.STDOUT;
      const cutter = this.#cutters.get(stream) ?? new LineSplitter();
      this.#cutters.set(stream, cutter);
      const body = rest.subarray(HEADER, end);
      const more = cutter.unfinished ? body.subarray(timeAt(body)) : body;
      for (const line of cutter.take(more)) lines.push(timed(stream, line));
      rest = rest.subarray(end);
    }
    this.#rest = Buffer.from(rest);
    return lines;
  }

  end(): TailLogsResponse[] {
    return [...this.#cutters].flatMap(([stream, cutter]) => cutter.end().map((line) => timed(stream, line)));
  }
}

const TIME = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) ?/;
const MOST_TIME = 40;

/** The length of the time at the beginning. 0 without one. */
function timeAt(body: Buffer): number {
  return TIME.exec(body.toString('latin1', 0, MOST_TIME))?.[0].length ?? 0;
}

function timed(stream: LogStream, line: string): TailLogsResponse {
  const match = TIME.exec(line);
  return match
    ? { stream, time: new Date(match[1] ?? ''), text: line.slice(match[0].length) }
    : { stream, text: line };
}

function text(bytes: Buffer): string {
  return bytes.toString('utf8').replace(/\r$/, '');
}
