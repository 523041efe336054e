import * as nodeFs from 'node:fs';
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { type FileCalls, type ReplaceOptions, replaceFileSync } from '@spawner/service';

/** Small text files that outlive the agent. Each is replaced as a whole, or only appended to. */
export type StateFiles = Omit<StateDir, 'path' | 'below'> & {
  /** A subdirectory, created if it is missing. */
  below(name: string): StateFiles;
};

/** The object in a JSON file. Returns undefined if the file is missing or damaged, as after a power loss. */
export function readObject<T extends object>(dir: Pick<StateFiles, 'read'>, name: string): T | undefined {
  try {
    return JSON.parse(dir.read(name) ?? '') as T;
  } catch {
    return undefined;
  }
}

/** The agent's directory on its drone. Only the owner can read it, because the journal holds environment values. */
export class StateDir {
  readonly path: string;
  readonly #fs: FileCalls;

  /** Creates the directory if it is missing, and sets its permissions in any case. */
  constructor(path: string, fs: FileCalls = nodeFs) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chmodSync(path, 0o700);
    this.path = path;
    this.#fs = fs;
  }

  below(name: string): StateDir {
    return new StateDir(join(this.path, name), this.#fs);
  }

  /** Returns undefined if there is no such file. */
  read(name: string): string | undefined {
    try {
      return readFileSync(join(this.path, name), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Not durable is right for what another boot ignores. Throws if the disk is full; the old text then remains. */
  write(name: string, text: string, options: Pick<ReplaceOptions, 'durable'> = {}): void {
    replaceFileSync(join(this.path, name), text, options, this.#fs);
  }

  /**
   * Resolves when the present text survives a power loss, and does not block the program meanwhile. A file that was removed
   * has nothing to lose.
   */
  async flush(name: string): Promise<void> {
    try {
      for (const path of [join(this.path, name), this.path]) {
        await using file = await open(path, 'r');
        await file.sync();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  /** Not durable before a flush. Only the appended text can be damaged by a power loss. */
  append(name: string, text: string): void {
    writeFileSync(join(this.path, name), text, { mode: 0o600, flag: 'a' });
  }

  remove(name: string): void {
    rmSync(join(this.path, name), { recursive: true, force: true });
  }

  /** Renames a file that cannot be read, so that a person can look at it. */
  setAside(name: string): void {
    renameSync(join(this.path, name), join(this.path, `${name}.bad`));
  }

  names(): string[] {
    return readdirSync(this.path);
  }
}
