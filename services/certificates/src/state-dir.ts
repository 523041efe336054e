import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The files that the development authority leaves on this machine: its root for people to trust, and its key for itself. */
export class StateDir {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** The authority as it was saved here; nothing where none was. */
  async authority(): Promise<string | undefined> {
    const [certificate, key] = await Promise.all([this.#read('ca.pem'), this.#read('ca.key')]);
    return certificate && key && `${certificate}${key}`;
  }

  /** `ca.pem` for everybody to read, `ca.key` for nobody else. */
  async saveAuthority(certificatePem: string, keyPem: string): Promise<void> {
    await mkdir(this.#path, { recursive: true });
    await this.#write('ca.key', keyPem, 0o600);
    await this.#write('ca.pem', certificatePem, 0o644);
  }

  async #read(name: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.#path, name), 'utf8');
    } catch (error) {
      if (error instanceof Object && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Replaced by a rename, so a reader sees the old text or the new one. */
  async #write(name: string, text: string, mode: number): Promise<void> {
    const file = join(this.#path, name);
    await writeFile(`${file}.new`, text, { mode });
    await chmod(`${file}.new`, mode);
    await rename(`${file}.new`, file);
  }
}
