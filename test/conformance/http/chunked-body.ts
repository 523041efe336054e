/** Reads a chunked body (RFC 9112 §7.1) as servers of different strictness do. */
import { Fault, type LineEnd, lineAt, Unfinished } from './lines.ts';

export interface ChunkHabits {
  lineEnd: LineEnd;
  /** Numbers are read up to the first other character, and the rest of their line is ignored; so are trailers' names. */
  looseNumbers: boolean;
}

/** The body that begins at this offset and the offset behind it, trailers included. */
export function readChunks(bytes: string, from: number, habits: ChunkHabits): { body: string; end: number } {
  let body = '';
  for (let at = from; ; ) {
    const size = lineAt(bytes, at, habits.lineEnd);
    const length = sizeOf(size.text, habits);
    if (length === 0) return { body, end: afterTrailers(bytes, size.next, habits) };
    const end = size.next + length;
    if (end > bytes.length) throw new Unfinished();
    body += bytes.slice(size.next, end);
    const after = lineAt(bytes, end, habits.lineEnd);
    if (after.text !== '' && !habits.looseNumbers) throw new Fault('no line end after a chunk');
    at = after.next;
  }
}

const STRICT_SIZE = /^([0-9a-f]{1,12})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/i;

function sizeOf(text: string, { looseNumbers }: ChunkHabits): number {
  const digits = looseNumbers ? /^\s*\+?(?:0x)?([0-9a-f]+)/i.exec(text) : STRICT_SIZE.exec(text);
  if (!digits) throw new Fault(`the chunk size ${JSON.stringify(text.slice(0, 40))}`);
  return Number.parseInt(digits[1] ?? '', 16);
}

const STRICT_TRAILER = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*$/;

function afterTrailers(bytes: string, from: number, { lineEnd, looseNumbers }: ChunkHabits): number {
  for (let at = from; ; ) {
    const line = lineAt(bytes, at, lineEnd);
    if (line.text === '') return line.next;
    const isTrailer = looseNumbers ? line.text.includes(':') : STRICT_TRAILER.test(line.text);
    if (!isTrailer) throw new Fault('no trailer line');
    at = line.next;
  }
}
