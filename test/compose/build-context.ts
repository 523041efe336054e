/**
 * The build context of the service images, in a folder of the test's own. It has the checkout's files and, since the build
 * may have no network, the npm packages, as the Dockerfile allows.
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
