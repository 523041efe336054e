/** The secret of a local cluster, created once and kept. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';

const BYTES = 32;

/** Makes sure that the file has a secret, readable by its owner alone. An existing one stays. */
export function keepClusterSecret(file: string): void {
  try {
    writeFileSync(file, `${randomBytes(BYTES).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
