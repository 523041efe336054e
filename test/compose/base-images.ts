/**
 * Stand-ins for the images that the deployment files start from, since no registry may be reachable. They are one Debian
 * root file system with Redis, NATS and this machine's Node, under the names that the files use. Only for an engine of
 * the test's own.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { copyFile, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tempDir } from '@spawner/testkit';
import { parse } from 'yaml';
import { ROOT } from '../cluster/service-process.ts';
import { command } from './command.ts';

/** wget is what the NATS image has, and its health check uses; jemalloc is what the proxy's stage would install. */
const PACKAGES = ['redis-server', 'nats-server', 'libstdc++6', 'wget', 'libjemalloc2'];
const STAND_IN = 'spawner-test/debian';

/** Sees to it that the engine has an image under every name that compose.yaml and the Dockerfile start from. */
export async function makeBaseImages(socketPath: string): Promise<void> {
  const docker = (args: string[]) => command('docker', ['--host', `unix://${socketPath}`, ...args]);
  await docker(['import', await rootTar(), STAND_IN]);
  await using dir = await tempDir('base-image');
  await copyFile(process.execPath, join(dir.path, 'node'));
  const lines = [`FROM ${STAND_IN}`, 'RUN useradd --uid 1000 node', 'COPY node /usr/local/bin/node'];
  await writeFile(join(dir.path, 'Dockerfile'), lines.join('\n'));
  const [first, ...others] = await baseNames();
  await docker(['build', '--tag', first!, dir.path]);
  for (const name of others) await docker(['tag', first!, name]);
}

/** The images that the Dockerfile starts from, Redis and NATS. */
export async function baseNames(): Promise<string[]> {
  const dockerfile = await readFile(join(ROOT, 'deploy/docker/Dockerfile'), 'utf8');
  const stages = [...dockerfile.matchAll(/^FROM (\S+) AS (\S+)$/gm)];
  const own = new Set(stages.map(([, , stage]) => stage));
  const external = stages.map(([, from]) => from!).filter((from) => !own.has(from));
  const { services } = parse(await readFile(join(ROOT, 'deploy/compose/compose.yaml'), 'utf8'), {
    merge: true,
  }) as { services: Record<string, { image: string }> };
  return [...new Set([...external, services.redis!.image, services.nats!.image])];
}

/** Made by debootstrap once, which takes half a minute, and kept for the next run. */
async function rootTar(): Promise<string> {
  const key = createHash('sha256').update(PACKAGES.join()).digest('hex').slice(0, 8);
  const file = join(cacheFolder(), `bookworm-${key}.tar`);
  if (existsSync(file)) return file;
  await using dir = await tempDir('debootstrap');
  const root = join(dir.path, 'root');
  await command('debootstrap', ['--variant=minbase', `--include=${PACKAGES.join()}`, 'bookworm', root]);
  const leftOut = ['./dev/*', './proc/*', './sys/*', './var/cache/apt/*', './var/lib/apt/lists/*'];
  const excluded = leftOut.map((path) => `--exclude=${path}`);
  await command('tar', ['--create', '--file', `${file}.new`, '--directory', root, ...excluded, '.']);
  await rename(`${file}.new`, file);
  return file;
}

function cacheFolder(): string {
  const folders = ['/var/cache/spawner-test', join(tmpdir(), 'spawner-test-cache')];
  for (const folder of folders) {
    try {
      mkdirSync(folder, { recursive: true });
      return folder;
    } catch {}
  }
  throw new Error(`none of ${folders.join(', ')} can be made`);
}
