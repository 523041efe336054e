import { randomInt } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isNodeId } from '@spawner/domain';

/** Small texts by name that outlive the agent: each is replaced as a whole, or only ever grows. */
export interface StateFiles {
  /** A directory inside it, made where it is missing. */
  below(name: string): StateFiles;
  /** A file's text; nothing where there is no such file. */
  read(name: string): string | undefined;
  write(name: string, text: string): void;
  /** Adds to a file that only ever grows. */
  append(name: string, text: string): void;
  remove(name: string): void;
  /** Sets a file aside that cannot be understood, for a person to look at. */
  setAside(name: string): void;
  names(): string[];
}

/**
 * The agent's directory on its drone: readable by its owner alone. Files are replaced by a rename, so a
 * reader sees the old text or the new one; there is no fsync, because a journal lost with the machine
 * has lost its containers too.
 */
export class StateDir implements StateFiles {
  readonly path: string;

  /** Made where it is missing; its permissions are set either way. */
  constructor(path: string) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chmodSync(path, 0o700);
    this.path = path;
  }

  below(name: string): StateDir {
    return new StateDir(join(this.path, name));
  }

  read(name: string): string | undefined {
    try {
      return readFileSync(join(this.path, name), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  write(name: string, text: string): void {
    const file = join(this.path, name);
    writeFileSync(`${file}.new`, text, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  append(name: string, text: string): void {
    writeFileSync(join(this.path, name), text, { mode: 0o600, flag: 'a' });
  }

  remove(name: string): void {
    rmSync(join(this.path, name), { recursive: true, force: true });
  }

  setAside(name: string): void {
    renameSync(join(this.path, name), join(this.path, `${name}.bad`));
  }

  names(): string[] {
    return readdirSync(this.path);
  }
}

/** The drone's own name: kept in its directory, so that a restarted agent is the same drone. A damaged one is made anew. */
export function keptDroneId(dir: StateDir): string {
  const kept = dir.read('drone-id')?.trim();
  if (kept && isNodeId(kept)) return kept;
  const id = `drone-${randomInt(36 ** 8)
    .toString(36)
    .padStart(8, '0')}`;
  dir.write('drone-id', `${id}\n`);
  return id;
}
