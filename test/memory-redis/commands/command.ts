import type { Keyspace } from '../keyspace.ts';
import type { Reply } from '../reply.ts';

/** What a command may touch. */
export interface ServerState {
  readonly keys: Keyspace;
  /** Wall time in microseconds. */
  readonly nowMicros: () => number;
  readonly runId: string;
  /** What CONFIG GET answers. */
  readonly config: Map<string, string>;
  /** How many replicas are said to be connected and in step. */
  readonly replicas: number;
}

export interface Command {
  /** In capitals. */
  readonly name: string;
  /** As COMMAND tells it: the name is counted, negative means at least. */
  readonly arity: number;
  /** Whether a script may use it. */
  readonly inScripts: boolean;
  /** Takes what follows the name, as latin1 strings. */
  readonly run: (server: ServerState, args: string[]) => Reply;
}

type Definition = [arity: number, run: Command['run']];

/** Commands by their names; those of `definitions` that scripts may use. */
export function commandsOf(definitions: Record<string, Definition>, inScripts = true): Command[] {
  return Object.entries(definitions).map(([name, [arity, run]]) => ({ name, arity, inScripts, run }));
}

export function hasArity({ arity }: Command, args: readonly unknown[]): boolean {
  return arity < 0 ? args.length + 1 >= -arity : args.length + 1 === arity;
}

/** The n-th argument, which is there by the command's arity. */
export function arg(args: readonly string[], at: number): string {
  return args[at] as string;
}
