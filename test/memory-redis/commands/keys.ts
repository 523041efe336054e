import { HarnessError } from '../errors.ts';
import type { Value } from '../keyspace.ts';
import { OK, Status } from '../reply.ts';
import { SortedSet } from '../sorted-set.ts';
import { arg, commandsOf } from './command.ts';

function typeOf(value: Value | undefined): string {
  if (value === undefined) return 'none';
  if (typeof value === 'string') return 'string';
  if (value instanceof Map) return 'hash';
  if (value instanceof Set) return 'set';
  return value instanceof SortedSet ? 'zset' : 'stream';
}

export const KEY_COMMANDS = commandsOf({
  DEL: [-2, ({ keys }, args) => args.filter((key) => keys.delete(key)).length],
  EXISTS: [-2, ({ keys }, args) => args.filter((key) => keys.get(key) !== undefined).length],
  TYPE: [2, ({ keys }, args) => new Status(typeOf(keys.get(arg(args, 0))))],
  KEYS: [
    2,
    ({ keys }, [pattern]) => {
      if (pattern !== '*') throw new HarnessError(`KEYS ${pattern} is not implemented`);
      return keys.keys();
    },
  ],
  FLUSHALL: [
    1,
    ({ keys }) => {
      keys.clear();
      return OK;
    },
  ],
});
