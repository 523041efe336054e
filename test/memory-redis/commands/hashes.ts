import { ErrorReply, HarnessError } from '../errors.ts';
import { integer, sum } from '../integers.ts';
import type { Reply } from '../reply.ts';
import { arg, commandsOf, type ServerState } from './command.ts';

const notAHashInteger = () => new ErrorReply('ERR hash value is not an integer');

function put({ keys }: ServerState, args: string[]): number {
  if (args.length % 2 === 0) throw new ErrorReply("ERR wrong number of arguments for 'hset' command");
  const key = arg(args, 0);
  const hash = keys.hash(key) ?? new Map<string, string>();
  const before = hash.size;
  for (let at = 1; at < args.length; at += 2) hash.set(arg(args, at), arg(args, at + 1));
  keys.put(key, hash);
  return hash.size - before;
}

function flat(hash: Map<string, string> | undefined): string[] {
  const list: string[] = [];
  if (hash) for (const [field, value] of hash) list.push(field, value);
  return list;
}

/** The whole hash in one page, as Redis answers for a small one: COUNT is a hint. */
function scan({ keys }: ServerState, args: string[]): Reply {
  if (args.length !== 4 || arg(args, 2).toUpperCase() !== 'COUNT')
    throw new HarnessError('HSCAN other than with COUNT is not implemented');
  integer(arg(args, 3));
  return ['0', flat(keys.hash(arg(args, 0)))];
}

export const HASH_COMMANDS = commandsOf({
  HSET: [-4, put],
  HSETNX: [
    4,
    ({ keys }, [key = '', field = '', value = '']) => {
      const hash = keys.hash(key) ?? new Map<string, string>();
      if (hash.has(field)) return 0;
      keys.put(key, hash.set(field, value));
      return 1;
    },
  ],
  HGET: [3, ({ keys }, args) => keys.hash(arg(args, 0))?.get(arg(args, 1)) ?? null],
  HMGET: [
    -3,
    ({ keys }, args) => {
      const hash = keys.hash(arg(args, 0));
      const values: Reply[] = [];
      for (let at = 1; at < args.length; at++) values.push(hash?.get(arg(args, at)) ?? null);
      return values;
    },
  ],
  HGETALL: [2, ({ keys }, args) => flat(keys.hash(arg(args, 0)))],
  HKEYS: [2, ({ keys }, args) => [...(keys.hash(arg(args, 0))?.keys() ?? [])]],
  HVALS: [2, ({ keys }, args) => [...(keys.hash(arg(args, 0))?.values() ?? [])]],
  HLEN: [2, ({ keys }, args) => keys.hash(arg(args, 0))?.size ?? 0],
  HEXISTS: [3, ({ keys }, args) => (keys.hash(arg(args, 0))?.has(arg(args, 1)) ? 1 : 0)],
  HDEL: [
    -3,
    ({ keys }, args) => {
      const key = arg(args, 0);
      const hash = keys.hash(key);
      if (!hash) return 0;
      const before = hash.size;
      for (let at = 1; at < args.length; at++) hash.delete(arg(args, at));
      const gone = before - hash.size;
      if (gone > 0) keys.put(key, hash);
      return gone;
    },
  ],
  HINCRBY: [
    4,
    ({ keys }, [key = '', field = '', by = '']) => {
      const step = integer(by);
      const hash = keys.hash(key) ?? new Map<string, string>();
      const value = sum(integer(hash.get(field) ?? '0', notAHashInteger), step);
      keys.put(key, hash.set(field, String(value)));
      return value;
    },
  ],
  HSCAN: [-3, scan],
});
