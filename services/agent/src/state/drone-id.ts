import { randomInt } from 'node:crypto';
import { isNodeId } from '@spawner/domain';
import type { StateFiles } from './state-dir.ts';

const FILE = 'drone-id';
const DIGITS = 8;

/**
 * The configured id of the drone, or the one in its state directory, created at the first start so that a restarted agent
 * is the same drone. A damaged one is replaced.
 */
export function droneIdOf(configured: string, dir: Pick<StateFiles, 'read' | 'write'>): string {
  const known = configured || dir.read(FILE)?.trim();
  if (known && isNodeId(known)) return known;
  const id = `drone-${randomInt(36 ** DIGITS)
    .toString(36)
    .padStart(DIGITS, '0')}`;
  dir.write(FILE, `${id}\n`);
  return id;
}
