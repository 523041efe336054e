import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { replaceFile } from '@spawner/service';

/**
 * One file of a proxy's state: a list of messages that is written and read as a whole. It holds secrets, so only its owner may
 * read it. It is replaced atomically, even if the power fails. A file that is truncated, changed, of another version, or
 * readable by others is refused.
 *
 * On disk: a line that names format and version; each message after its length (32 bits, big-endian); the length
 * 0xffffffff; and the SHA-256 of everything before it.
 */
const MAGIC = Buffer.from('spawner proxy state 1\n');
const LENGTH_BYTES = 4;
const END = 0xff_ff_ff_ff;
const DIGEST_BYTES = 32;
const DEFAULT_MOST_BYTES = 256 * 1024 * 1024;

/** Thrown for a file that exists and is refused; the message says why. */
export class StateFileRefused extends Error {
  override readonly name = 'StateFileRefused';
}

export class StateFile {
  readonly path: string;
  readonly #mostBytes: number;

  /** A larger file than `mostBytes` is neither written nor read. */
  constructor(path: string, mostBytes = DEFAULT_MOST_BYTES) {
    this.path = path;
    this.#mostBytes = mostBytes;
  }

  /** Returns the messages, or undefined if the file does not exist. Throws StateFileRefused. */
  read(): Buffer[] | undefined {
    const bytes = this.#bytes();
    if (!bytes) return undefined;
    if (!bytes.subarray(0, MAGIC.length).equals(MAGIC))
      throw new StateFileRefused('it is not the state of a proxy of this version');
    const end = bytes.length - DIGEST_BYTES;
    const digest = createHash('sha256').update(bytes.subarray(0, end)).digest();
    if (end < MAGIC.length + LENGTH_BYTES || !bytes.subarray(end).equals(digest))
      throw new StateFileRefused('it is cut off or was changed: its checksum is wrong');
    const messages: Buffer[] = [];
    let at = MAGIC.length;
    for (let length = bytes.readUInt32BE(at); length !== END; length = bytes.readUInt32BE(at)) {
      at += LENGTH_BYTES + length;
      if (at + LENGTH_BYTES > end) throw new StateFileRefused('its messages do not fit into it');
      messages.push(bytes.subarray(at - length, at));
    }
    if (at + LENGTH_BYTES !== end) throw new StateFileRefused('it continues behind its end');
    return messages;
  }

  /** Replaces the file. The old one stays until the new one is whole and on disk. Rejects if that fails. */
  async write(messages: Iterable<Uint8Array>): Promise<void> {
    await replaceFile(this.path, (file) => this.#fill(file, messages));
  }

  /** Writes one message at a time, so that requests are served in between. */
  async #fill(file: FileHandle, messages: Iterable<Uint8Array>): Promise<void> {
    const digest = createHash('sha256');
    let left = this.#mostBytes - DIGEST_BYTES;
    const put = async (bytes: Uint8Array) => {
      left -= bytes.length;
      if (left < 0) throw new Error(`${this.path} would be larger than ${this.#mostBytes} bytes`);
      digest.update(bytes);
      await file.writeFile(bytes);
    };
    await put(MAGIC);
    for (const message of messages) {
      await put(lengthOf(message.length));
      await put(message);
    }
    await put(lengthOf(END));
    await file.writeFile(digest.digest());
  }

  #bytes(): Buffer | undefined {
    const file = opened(this.path);
    if (file === undefined) return undefined;
    try {
      const { size, mode, uid } = fstatSync(file);
      if ((mode & 0o077) !== 0) throw new StateFileRefused('others than its owner may read or change it');
      if (uid !== process.getuid?.() && uid !== 0) throw new StateFileRefused('another user owns it');
      if (size > this.#mostBytes) throw new StateFileRefused(`it is larger than ${this.#mostBytes} bytes`);
      return readFileSync(file);
    } finally {
      closeSync(file);
    }
  }
}

function opened(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new StateFileRefused('it cannot be opened', { cause: error });
  }
}

function lengthOf(length: number): Buffer {
  const bytes = Buffer.alloc(LENGTH_BYTES);
  bytes.writeUInt32BE(length);
  return bytes;
}
