/** The files whose prose the rules look at: code, contracts, scripts and documents; nothing generated or installed. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');
const ROOMS = [
  'libs',
  'services',
  'deploy',
  'test',
  'docs',
  'proto',
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'GLOSSARY.md',
  'CHANGELOG.md',
];
const PROSE = /\.(?:ts|mjs|js|lua|proto|md|ya?ml|hcl|sh|css)$|(?:^|\/)Dockerfile$/;
const PASSED_OVER = new Set(['node_modules', '.spawner', 'coverage', 'gen']);

/** All of them below these paths, from the repository's root; all there are if no path is given. */
export function filesUnder(paths: readonly string[] = []): string[] {
  return (paths.length > 0 ? paths : ROOMS).map((path) => path.replace(/\/$/, '')).flatMap(walk);
}

function walk(path: string): string[] {
  const stat = statSync(join(root, path), { throwIfNoEntry: false });
  if (!stat) return [];
  if (stat.isFile()) return PROSE.test(path) ? [path] : [];
  return readdirSync(join(root, path)).flatMap((name) =>
    PASSED_OVER.has(name) ? [] : walk(`${path}/${name}`),
  );
}
