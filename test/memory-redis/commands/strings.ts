import { ErrorReply } from '../errors.ts';
import { integer, sum } from '../integers.ts';
import { OK, type Reply, syntaxError } from '../reply.ts';
import { arg, commandsOf, type ServerState } from './command.ts';

const millis = (server: ServerState) => Math.floor(server.nowMicros() / 1000);

interface SetOptions {
  condition?: 'NX' | 'XX';
  get?: boolean;
  keepTtl?: boolean;
  expireAt?: number;
}

/** Milliseconds of an expiry option's argument, as an instant. */
function instant(server: ServerState, option: string, text: string): number {
  const value = integer(text);
  if (value <= 0) throw new ErrorReply("ERR invalid expire time in 'set' command");
  const ms = option.startsWith('P') ? value : value * 1000;
  return option.endsWith('AT') ? ms : millis(server) + ms;
}

function setOptions(server: ServerState, rest: string[]): SetOptions {
  const options: SetOptions = {};
  for (let at = 0; at < rest.length; at++) {
    const option = arg(rest, at).toUpperCase();
    if ((option === 'NX' || option === 'XX') && !options.condition) options.condition = option;
    else if (option === 'GET') options.get = true;
    else if (option === 'KEEPTTL' && options.expireAt === undefined) options.keepTtl = true;
    else if (
      ['EX', 'PX', 'EXAT', 'PXAT'].includes(option) &&
      !options.keepTtl &&
      options.expireAt === undefined
    ) {
      const text = rest[++at];
      if (text === undefined) throw syntaxError();
      options.expireAt = instant(server, option, text);
    } else throw syntaxError();
  }
  return options;
}

function set(server: ServerState, [key = '', value = '', ...rest]: string[]): Reply {
  const { keys } = server;
  const { condition, get, keepTtl, expireAt } = setOptions(server, rest);
  const before = get ? (keys.string(key) ?? null) : keys.get(key);
  const present = before !== undefined && before !== null;
  if ((condition === 'NX' && present) || (condition === 'XX' && !present))
    return get ? (before as string | null) : null;
  keys.put(key, value);
  if (expireAt !== undefined || !keepTtl) keys.expireAt(key, expireAt);
  if (expireAt !== undefined && expireAt <= millis(server)) keys.delete(key);
  return get ? (before as string | null) : OK;
}

function add({ keys }: ServerState, key: string, by: number): number {
  const value = sum(integer(keys.string(key) ?? '0'), by);
  keys.put(key, String(value));
  return value;
}

export const STRING_COMMANDS = commandsOf({
  GET: [2, ({ keys }, args) => keys.string(arg(args, 0)) ?? null],
  SET: [-3, set],
  SETNX: [3, (server, [key = '', value = '']) => (set(server, [key, value, 'NX']) === null ? 0 : 1)],
  GETDEL: [
    2,
    ({ keys }, args) => {
      const value = keys.string(arg(args, 0)) ?? null;
      keys.delete(arg(args, 0));
      return value;
    },
  ],
  MGET: [
    -2,
    ({ keys }, args) =>
      args.map((key) => {
        const value = keys.get(key);
        return typeof value === 'string' ? value : null;
      }),
  ],
  STRLEN: [2, ({ keys }, args) => keys.string(arg(args, 0))?.length ?? 0],
  APPEND: [
    3,
    ({ keys }, [key = '', value = '']) => {
      const text = (keys.string(key) ?? '') + value;
      keys.put(key, text);
      return text.length;
    },
  ],
  INCR: [2, (server, args) => add(server, arg(args, 0), 1)],
  DECR: [2, (server, args) => add(server, arg(args, 0), -1)],
  INCRBY: [3, (server, args) => add(server, arg(args, 0), integer(arg(args, 1)))],
  DECRBY: [3, (server, args) => add(server, arg(args, 0), -integer(arg(args, 1)))],
});
