import { createHash } from 'node:crypto';
import { type Command, hasArity, type ServerState } from '../commands/command.ts';
import { ErrorReply } from '../errors.ts';
import type { Reply } from '../reply.ts';
import { type CompiledScript, compile } from './compile.ts';
import { first } from './operators.ts';
import { argumentText, fromLua, raisedReply, toLua } from './replies.ts';
import { LuaError, LuaTable, type LuaValue } from './values.ts';

interface Script {
  readonly sha: string;
  readonly run: CompiledScript;
}

/** More texts than any suite has. A process that meets more compiles them again. */
const MOST = 1_000;
const compiled = new Map<string, Script>();

/** Compiles a script once in a process. */
export function scriptOf(source: string): Script {
  let script = compiled.get(source);
  if (!script) {
    if (compiled.size >= MOST) compiled.clear();
    const sha = createHash('sha1').update(Buffer.from(source, 'latin1')).digest('hex');
    script = { sha, run: compile(source) };
    compiled.set(source, script);
  }
  return script;
}

/** The scripts that one server knows, and how they run on it. */
export class Scripts {
  readonly #server: ServerState;
  readonly #known = new Map<string, Script>();

  constructor(server: ServerState) {
    this.#server = server;
  }

  /** SCRIPT LOAD: the digest. */
  load(source: string): string {
    const script = scriptOf(source);
    this.#known.set(script.sha, script);
    return script.sha;
  }

  forget(): void {
    this.#known.clear();
  }

  /** EVALSHA. */
  runBySha(sha: string, keysAndArguments: string[]): Reply {
    const script = this.#known.get(sha.toLowerCase());
    if (!script) throw new ErrorReply('NOSCRIPT No matching script. Please use EVAL.');
    return this.#run(script, keysAndArguments);
  }

  /** EVAL: the script is known from then on. */
  runSource(source: string, keysAndArguments: string[]): Reply {
    const script = scriptOf(source);
    this.#known.set(script.sha, script);
    return this.#run(script, keysAndArguments);
  }

  #run({ sha, run }: Script, args: readonly string[]): Reply {
    const [count = ''] = args;
    const keys = Number(count);
    if (!/^-?\d+$/.test(count)) throw new ErrorReply('ERR value is not an integer or out of range');
    if (keys < 0) throw new ErrorReply("ERR Number of keys can't be negative");
    if (keys > args.length - 1)
      throw new ErrorReply("ERR Number of keys can't be greater than number of args");
    try {
      const result = run(
        this.#call,
        new LuaTable(args.slice(1, 1 + keys)),
        new LuaTable(args.slice(1 + keys)),
      );
      return fromLua(first(result));
    } catch (error) {
      throw error instanceof LuaError ? raisedReply(error, sha) : error;
    }
  }

  readonly #call = (command: Command, args: LuaValue[]): LuaValue => {
    try {
      return this.#answer(command, args);
    } catch (error) {
      throw error instanceof ErrorReply ? new LuaError(new LuaTable([], { err: error.message })) : error;
    }
  };

  #answer(command: Command, args: LuaValue[]): LuaValue {
    for (let at = 0; at < args.length; at++)
      if (typeof args[at] !== 'string') args[at] = argumentText(args[at]);
    if (!hasArity(command, args))
      throw new ErrorReply('ERR Wrong number of args calling Redis command from script');
    if (!command.inScripts) throw new ErrorReply('ERR This Redis command is not allowed from script');
    return toLua(command.run(this.#server, args as string[]));
  }
}
