/** The repository's own files, as the rules look at them: nothing generated, installed or ignored. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Source {
  /** From the repository's root, with `/`. */
  path: string;
  text: string;
}

export const root = join(import.meta.dirname, '..', '..');

const ROOMS = ['libs', 'services', 'deploy', 'test'];
const CODE = /\.(ts|mjs|js|lua|css|html)$/;
const PASSED_OVER = new Set(['node_modules', '.spawner', 'coverage', 'gen']);

/** All code, tests included. */
export function sources(): Source[] {
  return ROOMS.flatMap((room) => walk(room))
    .filter((path) => CODE.test(path))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

export function isTest({ path }: Source): boolean {
  return path.endsWith('.test.ts');
}

function walk(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return PASSED_OVER.has(entry.name) ? [] : walk(path);
    return entry.isFile() ? [path] : [];
  });
}
