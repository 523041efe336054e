import type { RedisReply } from '../redis.ts';
import { type Argument, type Arguments, integer, tick, type ValuesOf } from './arguments.ts';
import { linkScript } from './link.ts';

/** One Lua script: the file `lua/<name>.lua`, its arguments, and its reply. */
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

interface Parts<A extends Arguments, R> {
  args: A;
  reply: (reply: RedisReply) => R;
}

/** The caller's store epoch, the last argument of every guarded script. */
const GUARD = { callersEpoch: tick };

/** A script that writes. It runs only in the store epoch that its caller knows. */
export function defineScript<const A extends Arguments, R>(name: string, parts: Parts<A, R>) {
  return define(name, parts, true);
}

/** A script that runs in any store epoch, and judges that for itself. */
export function defineUnguardedScript<const A extends Arguments, R>(name: string, parts: Parts<A, R>) {
  return define(name, parts, false);
}

function define<A extends Arguments, R>(
  name: string,
  { args, reply }: Parts<A, R>,
  guarded: boolean,
): ScriptDefinition<A, R> {
  let source: string | undefined;
  return {
    name,
    args,
    guarded,
    reply,
    get source() {
      source ??= linkScript(name, guarded ? { ...args, ...GUARD } : args, guarded);
      return source;
    },
    encode: (values) =>
      Object.entries<Argument<never>>(args).map(([argument, { encode }]) =>
        encode(values[argument] as never),
      ),
  };
}

/** The text of a store epoch as the last of a guarded script's ARGV. */
export const encodeEpoch = (epoch: number) => integer.encode(epoch);
