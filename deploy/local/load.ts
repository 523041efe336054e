/** Copies an image from the user's Docker Engine into the one that `up` started. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalFile } from './claim/local-file.ts';
import { placeOf } from './claim/place.ts';
import { loadImage } from './parts/load-image.ts';

const [image, ...more] = process.argv.slice(2);
if (!image || more.length > 0) {
  console.error('usage: npm run -s load -- IMAGE');
  process.exit(2);
}
try {
  console.log(await loadImage(image, running(), process.env));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

/** The running constellation. Throws if none is ready. */
function running(): LocalFile {
  const { localFile } = placeOf(join(import.meta.dirname, '..', '..'));
  try {
    return JSON.parse(readFileSync(localFile, 'utf8')) as LocalFile;
  } catch (cause) {
    throw new Error('Spawner is not running here. `npm run up` starts it.', { cause });
  }
}
