/** Images for the constellation's own Docker Engine, which cannot see those of the user's. */
import { realpathSync } from 'node:fs';
import { Engine } from '../../images/engine.ts';
import type { LocalFile } from '../claim/local-file.ts';
import type { Environment } from '../settings/environment.ts';
import { findDocker } from './docker.ts';

/** An image of several gigabytes is saved and loaded in minutes. */
const CALL_WITHIN_MS = 600_000;

/**
 * Copies an image from the user's engine to the constellation's. Resolves with a sentence for the user. Rejects if there is no
 * such image, or no engine on one of the two sides.
 */
export async function loadImage(
  image: string,
  { dockerSocket: target }: Pick<LocalFile, 'dockerSocket'>,
  env: Environment,
): Promise<string> {
  if (!target) throw new Error('Backends are plain processes here, which use no images.');
  const source = await findDocker(env);
  if (!source) throw new Error('No Docker Engine answers. DOCKER_HOST names one at another socket.');
  const from = new Engine(source, CALL_WITHIN_MS);
  if (realpathSync(source) === realpathSync(target)) {
    if (!(await from.inspect(image)))
      throw new Error(`There is no image ${image} in the engine at ${source}.`);
    return `Backends run in the engine at ${source}, which has ${image} already.`;
  }
  await new Engine(target, CALL_WITHIN_MS).load(await from.save(image));
  return `${image} is loaded, and can be spawned.`;
}
