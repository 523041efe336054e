import { randomInt } from 'node:crypto';
import { isNodeId } from '@spawner/domain';
import type { StateFiles } from './state-dir.ts';

const FILE = 'drone-id';
const DIGITS = 8;

/** The drone's id, created at the first start so that a restarted agent is the same drone. A damaged one is replaced. */
export function storedDroneId(
  dir: Pick<StateFiles, 'read' | 'write'>,
  randomBelow: (limit: number) => number = randomInt,
): string {
  const stored = dir.read(FILE)?.trim();
  if (stored && isNodeId(stored)) return stored;
  const id = `drone-${randomBelow(36 ** DIGITS)
    .toString(36)
    .padStart(DIGITS, '0')}`;
  dir.write(FILE, `${id}\n`);
  return id;
}
