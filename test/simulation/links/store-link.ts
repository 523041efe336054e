import { AppError } from '@spawner/domain';
import type { Redis, RedisReply } from '@spawner/store';
import { ErrorReply } from '../../memory-redis/errors.ts';
import type { MemoryRedis } from '../../memory-redis/memory-redis.ts';
import { isExpected } from '../world/errors.ts';
import type { Network } from '../world/network.ts';
import type { Process } from '../world/process.ts';
import type { World } from '../world/world.ts';

const COMMAND_MS = 2_000;
/** Error replies that a client handles: an unloaded script, and the answer of lua/guard.lua. */
const KNOWN_REPLY = /^(?:NOSCRIPT|EPOCH) /;

/** Called with each command that the store has carried out, in their order. */
export type StoreWatch = (command: readonly (string | Buffer)[], reply: RedisReply) => void;

/** Whether the sender of a command that was carried out gets its answer. The sender may die in this very step. */
export type StoreAnswer = (process: Process, command: readonly (string | Buffer)[]) => boolean;

/** The one store, and the ways to it. */
export class StoreServer {
  away = false;
  readonly world: World;
  readonly network: Network;
  readonly memory: MemoryRedis;
  readonly watch: StoreWatch;
  readonly answers: StoreAnswer;
  readonly #script: (source: string) => string;
  readonly #links = new Set<StoreLink>();

  /** `script` gives the scripts that are loaded in the place of others. */
  constructor(
    world: World,
    network: Network,
    memory: MemoryRedis,
    watch: StoreWatch,
    answers: StoreAnswer,
    script: (source: string) => string,
  ) {
    this.world = world;
    this.network = network;
    this.memory = memory;
    this.watch = watch;
    this.answers = answers;
    this.#script = script;
  }

  /** A command as it is carried out: scripts may be others than were sent. */
  loading(command: readonly (string | Buffer)[]): readonly (string | Buffer)[] {
    if (command[0] === 'SCRIPT') return ['SCRIPT', 'LOAD', this.#script(String(command[2]))];
    if (command[0] === 'EVAL') return ['EVAL', this.#script(String(command[1])), ...command.slice(2)];
    return command;
  }

  delay(process: Process): number {
    return this.network.delay(process.name, 'redis');
  }

  connect(process: Process): Redis {
    const link = new StoreLink(process, this, () => this.#links.delete(link));
    this.#links.add(link);
    return link;
  }

  /**
   * True time at which every command and answer that is under way has arrived, and at which no sender waits for a lost one.
   * Later commands on the same connection come after it.
   */
  get arrivedBy(): number {
    return Math.max(0, ...[...this.#links].map(({ arrivedBy }) => arrivedBy));
  }

  reaches(process: Process): boolean {
    return !this.away && this.network.reaches(process.name, 'redis');
  }
}

/**
 * One process's connection. Commands and answers keep their order, as on TCP. If the way is cut or the store goes away, a
 * command may have been carried out although its sender gets no answer and stops waiting after 2 s.
 */
export function storeOf(process: Process, server: StoreServer): Redis {
  return server.connect(process);
}

class StoreLink implements Redis {
  readonly #process: Process;
  readonly #server: StoreServer;
  /** Used by blocking reads alone. */
  readonly #connection: Promise<Redis>;
  readonly #left: () => void;
  #closed = false;
  #arrival = 0;
  #return = 0;
  /** True time at which the last sender of a lost command, or of one whose answer was lost, stops waiting. */
  #missed = 0;

  /** `left` is called when it is closed. */
  constructor(process: Process, server: StoreServer, left: () => void) {
    this.#process = process;
    this.#server = server;
    this.#left = left;
    this.#connection = server.memory.connect();
    process.onCrash(() => void this.close());
  }

  get arrivedBy(): number {
    return Math.max(this.#arrival, this.#return, this.#missed);
  }

  get ready(): boolean {
    return !this.#closed && this.#server.reaches(this.#process);
  }

  send(command: readonly (string | Buffer)[], { timeoutMs = COMMAND_MS } = {}): Promise<RedisReply> {
    const process = this.#process;
    const { world } = this.#server;
    return new Promise((resolve, reject) => {
      const away = () => reject(new AppError('unavailable', 'the store is not reachable'));
      if (!this.ready) {
        world.after(1, away, process);
        return;
      }
      const late = world.after(process.machine.trueTime(timeoutMs), away, process);
      const missed = () => {
        this.#missed = Math.max(this.#missed, late.at);
      };
      const answered = (then: () => void) => {
        if (this.#isLost()) return missed();
        this.#return = Math.max(this.#return, world.now + this.#server.delay(process));
        world.after(
          this.#return - world.now,
          () => {
            if (!this.ready) return missed();
            late.run = undefined;
            then();
          },
          process,
        );
      };
      if (this.#isLost()) return missed();
      this.#arrival = Math.max(this.#arrival, world.now + this.#server.delay(process));
      // A command arrives even if its sender dies meanwhile.
      world.relay(this.#arrival - world.now, () => {
        if (!this.#server.reaches(process)) return missed();
        const { memory } = this.#server;
        const { ended } = memory;
        this.#carryOut(command, resolve, reject, answered);
        return command[0] === 'XREAD' || memory.ended > ended;
      });
    });
  }

  #carryOut(
    command: readonly (string | Buffer)[],
    resolve: (reply: RedisReply) => void,
    reject: (error: unknown) => void,
    answered: (then: () => void) => void,
  ): void {
    if (command[0] === 'XREAD') {
      const read = this.#connection.then((connection) => connection.send(command));
      read.then(
        (reply) => answered(() => resolve(reply)),
        (error: unknown) => this.#refused(error, answered, reject),
      );
      return;
    }
    const changed = this.#server.loading(command);
    let reply: RedisReply;
    try {
      reply = this.#server.memory.execute(changed);
    } catch (error) {
      this.#refused(error, answered, reject);
      return;
    }
    this.#server.watch(command, reply);
    if (this.#server.answers(this.#process, command)) answered(() => resolve(reply));
  }

  /** The store's answer is an error, which its sender hears if the services know it. Any other one ends the run. */
  #refused(error: unknown, answered: (then: () => void) => void, reject: (error: unknown) => void): void {
    const known = error instanceof ErrorReply ? KNOWN_REPLY.test(error.message) : isExpected(error);
    if (known) answered(() => reject(error));
    else this.#server.world.fail(error);
  }

  async duplicate(): Promise<Redis> {
    if (!this.ready) throw new AppError('unavailable', 'the store is not reachable');
    return this.#server.connect(this.#process);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#left();
    await (await this.#connection).close();
  }

  #isLost(): boolean {
    const { world, network } = this.#server;
    if (network.weather.lost === 0 || !world.random.chance(network.weather.lost)) return false;
    world.note('lost', this.#process.name, 'redis');
    return true;
  }
}
