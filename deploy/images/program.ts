/**
 * The same applications for a machine without Docker. The agent's process runtime starts the file in its directory of programs
 * that has the name of the image's last part: `demo` for `spawner/demo:latest`.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findImage, REPOSITORY } from './catalogue.ts';

export interface ProgramRequest {
  /** A name in the catalogue, such as `demo`. */
  name: string;
  /** The directory of programs, created if it is missing. */
  directory: string;
  node?: string;
}

/** Writes the program, over an older one. Returns its path. */
export function installProgram({ name, directory, node = process.execPath }: ProgramRequest): string {
  const program = join(directory, name);
  const entry = join(REPOSITORY, findImage(name).entry);
  mkdirSync(directory, { recursive: true });
  writeFileSync(program, `#!/bin/sh\nexec ${quoted(node)} ${quoted(entry)} "$@"\n`);
  chmodSync(program, 0o755);
  return program;
}

/** Quoted as one word of a shell. */
const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
