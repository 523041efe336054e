/**
 * The SHA-256 of files, remembered between runs. Reading a node binary of 120 MB takes a third of a second, and `up` looks at it on
 * each start. A file counts as unchanged while its device, inode, size and times are the same.
 */
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';

interface Remembered {
  mark: string;
  digest: string;
}

export class FileDigests {
  readonly #memory: string;
  readonly #known: Record<string, Remembered>;

  /** `memory` is the file that keeps them. It is a cache: if it cannot be read or written, everything is read again. */
  constructor(memory: string) {
    this.#memory = memory;
    this.#known = read(memory);
  }

  /** The digest of the file as it is now, in hex. */
  async of(file: string): Promise<string> {
    const mark = markOf(file);
    const known = this.#known[file];
    if (known?.mark === mark) return known.digest;
    const hash = createHash('sha256');
    await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
    const digest = hash.digest('hex');
    if (markOf(file) !== mark) throw new Error(`${file} changed while it was read`);
    this.#known[file] = { mark, digest };
    this.#write();
    return digest;
  }

  #write(): void {
    try {
      mkdirSync(dirname(this.#memory), { recursive: true });
      const whole = `${this.#memory}.${process.pid}`;
      writeFileSync(whole, JSON.stringify(this.#known));
      renameSync(whole, this.#memory);
    } catch {
      // A read-only installation reads the files each time.
    }
  }
}

function markOf(file: string): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

function read(memory: string): Record<string, Remembered> {
  try {
    return JSON.parse(readFileSync(memory, 'utf8')) as Record<string, Remembered>;
  } catch {
    return {};
  }
}
