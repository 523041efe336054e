/** A tar archive (POSIX ustar) of directories, files in memory and files on disk, written as a stream. */
import { createReadStream } from 'node:fs';

export interface TarEntry {
  /** Absolute in the archive's own root; a directory's ends with '/'. */
  path: string;
  mode: number;
  /** The content, or the file on disk that has it; absent for a directory. */
  content?: Buffer | { file: string; bytes: number };
}

const BLOCK = 512;

/** The bytes of the archive. The owner is root and every date is the epoch, so equal entries make equal archives. */
export async function* writeTar(entries: Iterable<TarEntry>): AsyncGenerator<Buffer> {
  for (const entry of entries) {
    const { content } = entry;
    const bytes = !content ? 0 : Buffer.isBuffer(content) ? content.length : content.bytes;
    yield header(entry, bytes);
    if (Buffer.isBuffer(content)) yield content;
    else if (content) yield* exactly(content.file, bytes);
    yield Buffer.alloc((BLOCK - (bytes % BLOCK)) % BLOCK);
  }
  yield Buffer.alloc(2 * BLOCK);
}

async function* exactly(file: string, bytes: number): AsyncGenerator<Buffer> {
  let read = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    read += (chunk as Buffer).length;
    yield chunk as Buffer;
  }
  if (read !== bytes) throw new Error(`${file} changed while it was read`);
}

function header({ path, mode }: TarEntry, bytes: number): Buffer {
  const name = path.replace(/^\/+/, '');
  if (Buffer.byteLength(name) > 100) throw new Error(`a path in an image has at most 100 bytes: ${path}`);
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0);
  block.write(octal(mode, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(bytes, 11), 124);
  block.write(octal(0, 11), 136);
  block.write(' '.repeat(8), 148);
  block.write(name.endsWith('/') ? '5' : '0', 156);
  block.write('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148);
  return block;
}

const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
