import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A Node of the oldest line that the client supports: the machine's own, or the packaged one from npm, installed in `folder`. */
export async function oldestNode(folder: string): Promise<string> {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const node = join(directory, 'node');
    if (existsSync(node) && (await run(node, ['--version'])).stdout.startsWith('v20.')) return node;
  }
  const name = `node-linux-${process.arch}`;
  await run('npm', ['install', '--no-save', '--ignore-scripts', '--prefix', folder, `${name}@20`]);
  return join(folder, 'node_modules', name, 'bin/node');
}
