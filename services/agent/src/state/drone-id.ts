import { randomInt } from 'node:crypto';
import { isNodeId } from '@spawner/domain';
import type { StateFiles } from './state-dir.ts';

const FILE = 'drone-id';
const DIGITS = 8;

type Storage = Pick<StateFiles, 'read' | 'write'>;

/** The configured id of the drone, or the one in its state directory. */
export function droneIdOf({ droneId }: { readonly droneId: string }, state: Storage): string {
  return droneId || storedDroneId(state);
}

/** The drone's id, created at the first start so that a restarted agent is the same drone. A damaged one is replaced. */
export function storedDroneId(dir: Storage, randomBelow: (limit: number) => number = randomInt): string {
  const stored = dir.read(FILE)?.trim();
  if (stored && isNodeId(stored)) return stored;
  const id = `drone-${randomBelow(36 ** DIGITS)
    .toString(36)
    .padStart(DIGITS, '0')}`;
  dir.write(FILE, `${id}\n`);
  return id;
}
