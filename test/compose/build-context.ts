/**
 * What the service images are built from, in a folder of the test's own: the checkout's files, and the npm packages
 * brought along as the Dockerfile allows, since the build may have no network.
 */
import { cp, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../cluster/service-process.ts';
import { command } from './command.ts';

const MANIFESTS = ['package.json', 'package-lock.json', '.npmrc', '.dockerignore'];

/** Fills the (empty) folder. */
export async function makeBuildContext(folder: string): Promise<void> {
  for (const file of MANIFESTS) await cp(join(ROOT, file), join(folder, file));
  for (const part of ['libs', 'services', 'deploy/docker', 'deploy/compose'])
    await cp(join(ROOT, part), join(folder, part), {
      recursive: true,
      filter: (source) => !source.endsWith('/node_modules'),
    });
  const args = ['ci', '--omit=dev', '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund'];
  await command('npm', [...args, '--prefer-offline'], { cwd: folder });
  await mkdir(join(folder, 'deploy/docker/packages'));
  await rename(join(folder, 'node_modules'), join(folder, 'deploy/docker/packages/node_modules'));
}
