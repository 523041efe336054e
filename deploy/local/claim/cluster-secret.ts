/** The secret of a local cluster: made up the first time, and the same from then on. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';

const BYTES = 32;

/** Sees to a file with a secret that only its owner reads; one that is there stays as it is. */
export function keepClusterSecret(file: string): void {
  try {
    writeFileSync(file, `${randomBytes(BYTES).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
