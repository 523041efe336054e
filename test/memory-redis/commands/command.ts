import type { Keyspace } from '../keyspace.ts';
import type { Reply } from '../reply.ts';

/** The parts of a server that a command may read and change. */
export interface ServerState {
  readonly keys: Keyspace;
  /** Wall time in microseconds. */
  readonly nowMicros: () => number;
  readonly runId: string;
}

export interface Command {
  /** In capitals. */
  readonly name: string;
  /** As Redis's COMMAND states it: the name counts, and a negative arity is a minimum. */
  readonly arity: number;
  /** Whether a script may use it. */
  readonly inScripts: boolean;
  /** Takes the arguments after the name, as latin1 strings. */
  readonly run: (server: ServerState, args: string[]) => Reply;
}

type Definition = [arity: number, run: Command['run']];

/** Makes commands of `definitions`, by name. Scripts may use them unless `inScripts` is false. */
export function commandsOf(definitions: Record<string, Definition>, inScripts = true): Command[] {
  return Object.entries(definitions).map(([name, [arity, run]]) => ({ name, arity, inScripts, run }));
}

export function hasArity({ arity }: Command, args: readonly unknown[]): boolean {
  return arity < 0 ? args.length + 1 >= -arity : args.length + 1 === arity;
}

/** The n-th argument, which the command's arity guarantees. */
export function arg(args: readonly string[], at: number): string {
  return args[at] as string;
}
