import type { Keys } from '../keys.ts';
import type { Redis, RedisReply } from '../redis.ts';
import { type Arguments, encoded, tick, type ValuesOf } from './arguments.ts';
import { linkScript } from './link.ts';

/** One Lua script: the file `lua/<name>.lua`, its reply, and its arguments. */
export interface ScriptDefinition<A extends Arguments = Arguments, R = unknown> {
  readonly name: string;
  readonly args: A;
  /** Whether the script is guarded by the store epoch (lua/guard.lua), which its caller then gives. */
  readonly guarded: boolean;
  readonly reply: (reply: RedisReply) => R;
  /** The text that Redis runs: a generated prelude, the library functions that the script uses, the script. */
  readonly source: string;
  /** The arguments as ARGV, in the order of `args`. */
  encode(values: ValuesOf<A>): (string | Buffer)[];
}

/** A script that writes, and runs only in the store epoch that its caller knows, unless it judges that for itself. */
export function defineScript<const A extends Arguments, R>(
  name: string,
  reply: (reply: RedisReply) => R,
  args: A,
  { guarded = true } = {},
): ScriptDefinition<A, R> {
  let source: string | undefined;
  const order = Object.keys(args);
  return {
    ...{ name, args, guarded, reply },
    get source() {
      source ??= linkScript(name, guarded ? { ...args, callersEpoch: tick } : args, guarded);
      return source;
    },
    encode: (values) => order.map((argument) => encoded(values[argument])),
  };
}

/** The digest of each script's text, as each connection learns it. */
const digests = new WeakMap<Redis, Map<string, Promise<string>>>();

/**
 * The digest of a script, which is loaded once for a connection. Calls that come meanwhile share the load and its promise, so that
 * they keep their order: placements are served in it.
 */
function digestOf(redis: Redis, source: string): Promise<string> {
  const known = digests.get(redis) ?? new Map<string, Promise<string>>();
  digests.set(redis, known);
  let digest = known.get(source);
  if (!digest) {
    digest = redis.send(['SCRIPT', 'LOAD', source]).then(String);
    digest.catch(() => known.delete(source));
    known.set(source, digest);
  }
  return digest;
}

/** Runs a script by its digest. Redis forgets scripts when it restarts, so that the text may have to be sent again. */
export async function runScript<A extends Arguments, R>(
  redis: Redis,
  keys: Keys,
  { source, guarded, encode, reply }: ScriptDefinition<A, R>,
  args: ValuesOf<A>,
  callersEpoch = 0,
): Promise<R> {
  const tail = ['1', keys.epoch, ...encode(args), ...(guarded ? [String(callersEpoch)] : [])];
  const sha = await digestOf(redis, source);
  try {
    return reply(await redis.send(['EVALSHA', sha, ...tail]));
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    return reply(await redis.send(['EVAL', source, ...tail]));
  }
}
