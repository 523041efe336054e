import { HarnessError } from '../errors.ts';
import { integer } from '../integers.ts';
import type { Value } from '../keyspace.ts';
import { Status, syntaxError } from '../reply.ts';
import { SortedSet } from '../sorted-set.ts';
import { arg, commandsOf, type ServerState } from './command.ts';

const millis = (server: ServerState) => Math.floor(server.nowMicros() / 1000);

function typeOf(value: Value | undefined): string {
  if (value === undefined) return 'none';
  if (typeof value === 'string') return 'string';
  if (value instanceof Map) return 'hash';
  if (value instanceof Set) return 'set';
  return value instanceof SortedSet ? 'zset' : 'stream';
}

/** A glob as KEYS takes it, over latin1 text. */
export function globOf(pattern: string): RegExp {
  const source = pattern.replaceAll(
    /\\([\s\S])|\[(\^?)((?:\\[\s\S]|[^\]])*)\]|[\s\S]/g,
    (part, escaped, not, set) => {
      if (escaped !== undefined) return literal(escaped);
      if (set !== undefined) return `[${not}${set.replaceAll(/[[\]]/g, '\\$&')}]`;
      if (part === '*') return '[\\s\\S]*';
      return part === '?' ? '[\\s\\S]' : literal(part);
    },
  );
  return new RegExp(`^${source}$`);
}

const literal = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

function expire(at: (server: ServerState, value: number) => number) {
  return (server: ServerState, args: string[]) => {
    const [key = '', value = ''] = args;
    if (args.length > 2) throw new HarnessError('the expiry options NX, XX, GT and LT are not kept here');
    const instant = at(server, integer(value));
    if (server.keys.get(key) === undefined) return 0;
    if (instant <= millis(server)) server.keys.delete(key);
    else server.keys.expireAt(key, instant);
    return 1;
  };
}

function left(server: ServerState, key: string): number {
  if (server.keys.get(key) === undefined) return -2;
  const at = server.keys.expiry(key);
  return at === undefined ? -1 : Math.max(0, at - millis(server));
}

const remove = ({ keys }: ServerState, args: string[]) => args.filter((key) => keys.delete(key)).length;

export const KEY_COMMANDS = commandsOf({
  DEL: [-2, remove],
  UNLINK: [-2, remove],
  EXISTS: [-2, ({ keys }, args) => args.filter((key) => keys.get(key) !== undefined).length],
  TYPE: [2, ({ keys }, args) => new Status(typeOf(keys.get(arg(args, 0))))],
  KEYS: [
    2,
    ({ keys }, args) => {
      const glob = globOf(arg(args, 0));
      return keys.keys().filter((key) => glob.test(key));
    },
  ],
  SCAN: [
    -2,
    ({ keys }, args) => {
      const rest = args.slice(1);
      let glob = globOf('*');
      for (let at = 0; at < rest.length; at += 2) {
        const option = arg(rest, at).toUpperCase();
        if (rest[at + 1] === undefined || !['MATCH', 'COUNT'].includes(option)) throw syntaxError();
        if (option === 'MATCH') glob = globOf(arg(rest, at + 1));
      }
      return ['0', keys.keys().filter((key) => glob.test(key))];
    },
  ],
  DBSIZE: [1, ({ keys }) => keys.keys().length],
  EXPIRE: [-3, expire((server, seconds) => millis(server) + seconds * 1000)],
  PEXPIRE: [-3, expire((server, ms) => millis(server) + ms)],
  EXPIREAT: [-3, expire((_, seconds) => seconds * 1000)],
  PEXPIREAT: [-3, expire((_, ms) => ms)],
  PERSIST: [
    2,
    ({ keys }, args) => {
      if (keys.expiry(arg(args, 0)) === undefined) return 0;
      keys.expireAt(arg(args, 0), undefined);
      return 1;
    },
  ],
  PTTL: [2, (server, args) => left(server, arg(args, 0))],
  TTL: [
    2,
    (server, args) => {
      const ms = left(server, arg(args, 0));
      return ms < 0 ? ms : Math.floor((ms + 500) / 1000);
    },
  ],
  FLUSHALL: [
    -1,
    ({ keys }) => {
      keys.clear();
      return new Status('OK');
    },
  ],
  FLUSHDB: [
    -1,
    ({ keys }) => {
      keys.clear();
      return new Status('OK');
    },
  ],
});
