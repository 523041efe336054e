import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '@spawner/service';

/** The development authority's files on this machine: the root certificate for people to trust, and its key. */
export class AuthorityFiles {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Certificate and key, PEM, one after the other. Returns undefined if none was saved here. */
  async authority(): Promise<string | undefined> {
    const [certificate, key] = await Promise.all([this.#read('ca.pem'), this.#read('ca.key')]);
    return certificate && key && `${certificate}${key}`;
  }

  /** Everyone may read `ca.pem`; only the owner may read `ca.key`. */
  async saveAuthority(certificatePem: string, keyPem: string): Promise<void> {
    await mkdir(this.#path, { recursive: true });
    const save = (name: string, text: string, mode: number) =>
      replaceFile(join(this.#path, name), (file) => file.writeFile(text), { mode });
    await save('ca.key', keyPem, 0o600);
    await save('ca.pem', certificatePem, 0o644);
  }

  async #read(name: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.#path, name), 'utf8');
    } catch (error) {
      if (error instanceof Object && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }
}
