/**
 * A minimal root file system for a Node program: the node binary that runs this, its shared libraries, the loader, and two
 * accounts. It needs no base image, so nothing is pulled.
 */
import { execFileSync } from 'node:child_process';
import { realpathSync, statSync } from 'node:fs';
import type { TarEntry } from './tar.ts';

/** The path of `node` in such an image. */
export const NODE_IN_IMAGE = '/usr/local/bin/node';

const PASSWD = 'root:x:0:0:root:/:/sbin/nologin\nnode:x:1000:1000:node:/tmp:/sbin/nologin\n';
const GROUP = 'root:x:0:\nnode:x:1000:\n';

/** Everything except the application. `node` is a binary for this machine. */
export function nodeRoot(node: string): TarEntry[] {
  const libraries = sharedLibraries(execFileSync('ldd', [node], { encoding: 'utf8', timeout: 10_000 }));
  return [
    { path: '/tmp/', mode: 0o1777 },
    { path: '/etc/passwd', mode: 0o644, content: Buffer.from(PASSWD) },
    { path: '/etc/group', mode: 0o644, content: Buffer.from(GROUP) },
    { path: '/etc/nsswitch.conf', mode: 0o644, content: Buffer.from('hosts: files dns\n') },
    onDisk(NODE_IN_IMAGE, node),
    ...libraries.map((path) => onDisk(path, path)),
  ];
}

/** The paths in ldd's output, including the loader. Throws if a library was not found. */
export function sharedLibraries(output: string): string[] {
  const lines = output.split('\n').map((line) => line.trim());
  const missing = lines.find((line) => line.includes('not found'));
  if (missing) throw new Error(`node lacks a shared library: ${missing}`);
  return lines.flatMap((line) => /(?:^|=> )(\/\S+)/.exec(line)?.[1] ?? []);
}

function onDisk(path: string, source: string): TarEntry {
  const file = realpathSync(source);
  return { path, mode: 0o755, content: { file, bytes: statSync(file).size } };
}
