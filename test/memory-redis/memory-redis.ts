import type { Redis, RedisReply } from '@spawner/store';
import { arg, type Command, hasArity, type ServerState } from './commands/command.ts';
import { commandOf, isCommand } from './commands/index.ts';
import { parseRead, readNow, type StreamRead } from './commands/streams.ts';
import { Connection, ConnectionLost } from './connection.ts';
import { ErrorReply, HarnessError } from './errors.ts';
import { Keyspace, type Snapshot } from './keyspace.ts';
import { Scripts } from './lua/scripts.ts';
import { bytesOf, type Reply, Status } from './reply.ts';

export interface MemoryRedisOptions {
  /** The server's wall time, in microseconds. */
  nowMicros: () => number;
  /** 40 hexadecimal digits that a restart changes. */
  runId: string;
  /** Calls `then` after so many milliseconds, the deadline of a blocked read, unless the result is called before. */
  later: (ms: number, then: () => void) => () => void;
  /** Called for every key that is written or deleted. */
  onChange?: (key: string) => void;
}

interface BlockedRead {
  readonly read: StreamRead;
  readonly connection: object;
  readonly done: (reply: Reply) => void;
  readonly failed: (error: Error) => void;
}

/**
 * A Redis in memory that runs the store's own Lua scripts, under the clock and the faults of a simulation.
 * Commands answer as Redis 7 does. A command or an option that is not implemented is a HarnessError that names it.
 */
export class MemoryRedis {
  readonly #options: MemoryRedisOptions;
  readonly #server: ServerState & { runId: string };
  readonly #scripts: Scripts;
  readonly #blocked = new Set<BlockedRead>();
  /** How many times a key was written or deleted. */
  writes = 0;
  /** How many blocked reads have ended. */
  ended = 0;
  #newsOf = new Set<string>();
  #away = false;

  constructor(options: MemoryRedisOptions) {
    this.#options = options;
    const { nowMicros, runId, onChange } = options;
    const keys = new Keyspace((key) => {
      this.writes++;
      if (this.#blocked.size > 0) this.#newsOf.add(key);
      onChange?.(key);
    });
    this.#server = { keys, nowMicros, runId };
    this.#scripts = new Scripts(this.#server);
  }

  /** A connection of its own. Fails while the server is away. */
  async connect(): Promise<Redis> {
    if (this.#away) throw new Error('the connection was refused');
    return new Connection({
      isAway: () => this.#away,
      answer: (command, connection) => this.#answer(command, connection),
      closed: (connection) => this.#fail('the connection was closed', connection),
      connect: () => this.connect(),
    });
  }

  get runId(): string {
    return this.#server.runId;
  }

  get away(): boolean {
    return this.#away;
  }

  /** Cuts the server off, or brings it back with all its data and scripts. */
  set away(away: boolean) {
    this.#away = away;
    if (away) this.#fail('the server went away');
  }

  /** Runs a command that does not block, and throws the error that the server answers. */
  execute(command: readonly (string | Buffer)[]): RedisReply {
    const [name, args] = parsed(command);
    return encoded(this.#run(name, args));
  }

  /** As `execute`, with texts as latin1 strings, for the checks of the simulation. */
  read([name = '', ...args]: readonly string[]): Reply {
    return this.#run(name, args);
  }

  /** A hash, for the checks of the simulation. */
  hash(key: string): ReadonlyMap<string, string> | undefined {
    return this.#server.keys.hash(key);
  }

  /** A set, for the checks of the simulation. */
  set(key: string): ReadonlySet<string> | undefined {
    return this.#server.keys.set(key);
  }

  /** FLUSHALL from outside. */
  flushAll(): void {
    this.#server.keys.clear();
  }

  /** XTRIM from outside: keeps the newest `length` entries of a stream. */
  trimStream(key: string, length: number): void {
    this.#server.keys.stream(key)?.trim(length);
  }

  /** A copy of everything, for a later `restore`. */
  snapshot(): Snapshot {
    return this.#server.keys.snapshot();
  }

  /** Replaces the server by one with that older copy. */
  restore(snapshot: Snapshot, runId: string): void {
    this.restart(runId, true);
    this.#server.keys.restore(snapshot);
  }

  /** Breaks connections, fails blocked reads and forgets scripts. Clients reach the new process at once. */
  restart(runId: string, keepData: boolean): void {
    this.#fail('the server went away');
    this.#scripts.forget();
    this.#server.runId = runId;
    if (!keepData) this.#server.keys.clear();
  }

  async #answer(command: readonly (string | Buffer)[], connection: object): Promise<RedisReply> {
    const [name, args] = parsed(command);
    if (name !== 'XREAD') return encoded(this.#run(name, args));
    const read = this.#read(args);
    const news = readNow(this.#server, read);
    if (news !== null || read.blockMs === undefined) return encoded(news);
    return encoded(await this.#wait(read, connection));
  }

  #read(args: string[]): StreamRead {
    checkArity(commandOf('XREAD'), args);
    return parseRead(args);
  }

  #run(name: string, args: string[]): Reply {
    try {
      const command = commandOf(name);
      checkArity(command, args);
      if (name === 'EVALSHA') return this.#scripts.runBySha(arg(args, 0), args.slice(1));
      if (name === 'EVAL') return this.#scripts.runSource(arg(args, 0), args.slice(1));
      if (name === 'SCRIPT') return this.#script(args);
      return command.run(this.#server, args);
    } catch (error) {
      throw isAnswer(error) ? error : harnessError(error);
    } finally {
      this.#serveBlocked();
    }
  }

  #script([subcommand = '', source = '']: string[]): Reply {
    if (subcommand.toUpperCase() !== 'LOAD')
      throw new HarnessError(`SCRIPT ${subcommand} is not implemented`);
    return this.#scripts.load(source);
  }

  /** The entries that end a blocked read, or null at its deadline. */
  #wait(read: StreamRead, connection: object): Promise<Reply> {
    return new Promise((resolve, reject) => {
      let isOver = () => {};
      const leave = () => {
        this.#blocked.delete(blocked);
        this.ended++;
        isOver();
      };
      const blocked: BlockedRead = {
        ...{ read, connection },
        done: (reply) => {
          leave();
          resolve(reply);
        },
        failed: (error) => {
          leave();
          reject(error);
        },
      };
      this.#blocked.add(blocked);
      if (read.blockMs) isOver = this.#options.later(read.blockMs, () => blocked.done(null));
    });
  }

  #fail(reason: string, connection?: object): void {
    for (const blocked of [...this.#blocked])
      if (!connection || blocked.connection === connection) blocked.failed(new ConnectionLost(reason));
  }

  /** Serves blocked reads in the order in which they came. */
  #serveBlocked(): void {
    if (this.#newsOf.size === 0) return;
    const changed = this.#newsOf;
    this.#newsOf = new Set();
    for (const blocked of [...this.#blocked]) {
      if (!changed.has(blocked.read.key)) continue;
      const news = readNow(this.#server, blocked.read);
      if (news === null) continue;
      blocked.done(news);
    }
  }
}

function parsed(command: readonly (string | Buffer)[]): [name: string, args: string[]] {
  const args: string[] = [];
  for (let at = 1; at < command.length; at++) args.push(bytesOf(command[at] as string | Buffer));
  const name = bytesOf(command[0] ?? '');
  return [isCommand(name) ? name : name.toUpperCase(), args];
}

function checkArity(command: Command, args: string[]): void {
  if (!hasArity(command, args))
    throw new ErrorReply(`ERR wrong number of arguments for '${command.name.toLowerCase()}' command`);
}

const isAnswer = (error: unknown) => error instanceof ErrorReply;

/** An exception in this package is as much a fault of the harness as a command that it lacks. */
function harnessError(error: unknown): HarnessError {
  return error instanceof HarnessError ? error : new HarnessError(String(error), { cause: error });
}

/** Replies as a connection gives them: texts are Buffers, statuses are strings. */
function encoded(reply: Reply): RedisReply {
  if (typeof reply === 'string') return Buffer.from(reply, 'latin1');
  if (Array.isArray(reply)) return reply.map(encoded);
  return reply instanceof Status ? (reply.text as unknown as RedisReply) : reply;
}
