import { openRedis, type Redis, type RedisReply } from '@spawner/store';
import { startRedis, testLog } from '@spawner/testkit';
import { MemoryRedis } from '../memory-redis/memory-redis.ts';

/** The data that a store has after it was replaced by another Redis process. */
export type Survivor = 'its data' | 'an older copy';

/** A store whose process can be replaced, as by a restart or a failover. Each process has a run id of its own. */
export interface ReplaceableStore {
  /** Always leads to the present process. */
  readonly redis: Redis;
  /** Takes the copy that may survive later. */
  keepCopy(): Promise<void>;
  replace(survivor: Survivor): Promise<void>;
}

type Copy = [key: RedisReply, bytes: RedisReply][];

/** Two Redis servers. The store moves from one to the other when it is replaced, which takes less than a restart. */
export class RealStore implements ReplaceableStore {
  readonly redis: Redis;
  /** In the order in which they have the store: the first, the second, the first again. */
  readonly runIds: readonly string[];
  readonly #connections: readonly Redis[];
  #present = 0;
  #copy: Copy = [];

  private constructor(connections: readonly Redis[], runIds: readonly string[]) {
    this.#connections = connections;
    this.runIds = runIds;
    this.redis = {
      ready: true,
      send: (command, options) => this.#connection.send(command, options),
      duplicate: () => this.#connection.duplicate(),
      close: () => Promise.resolve(),
    };
  }

  static async start(stack: AsyncDisposableStack): Promise<RealStore> {
    const servers = await Promise.all([startRedis(), startRedis()]);
    for (const server of servers) stack.use(server);
    const log = testLog();
    const connections = await Promise.all(servers.map(({ url }) => openRedis(url, log)));
    for (const connection of connections) stack.defer(() => connection.close());
    const infos = await Promise.all(connections.map((connection) => connection.send(['INFO', 'server'])));
    const runIds = infos.map((info) => /run_id:(\w+)/.exec(String(info))?.[1] ?? '');
    return new RealStore(connections, runIds);
  }

  /** The first server has the store again. */
  begin(): void {
    this.#present = 0;
    this.#copy = [];
  }

  async keepCopy(): Promise<void> {
    const keys = (await this.redis.send(['KEYS', '*'])) as Buffer[];
    this.#copy = await Promise.all(
      keys.map(async (key) => [key, await this.redis.send(['DUMP', key])] as [RedisReply, RedisReply]),
    );
  }

  async replace(survivor: Survivor): Promise<void> {
    const older = this.#copy;
    await this.keepCopy();
    const data = survivor === 'its data' ? this.#copy : older;
    this.#present = 1 - this.#present;
    this.#copy = older;
    await this.redis.send(['FLUSHALL']);
    for (const [key, bytes] of data) await this.redis.send(['RESTORE', key as Buffer, '0', bytes as Buffer]);
  }

  get #connection(): Redis {
    return this.#connections[this.#present] as Redis;
  }
}

/** The Redis in memory, with the run ids of a real store. */
export class MemoryStore implements ReplaceableStore {
  readonly redis: Redis;
  readonly #memory: MemoryRedis;
  readonly #runIds: readonly string[];
  #replacements = 0;
  #copy: ReturnType<MemoryRedis['snapshot']> = new Map();

  private constructor(memory: MemoryRedis, redis: Redis, runIds: readonly string[]) {
    this.#memory = memory;
    this.redis = redis;
    this.#runIds = runIds;
  }

  static async start(runIds: readonly string[]): Promise<MemoryStore> {
    const [runId = ''] = runIds;
    const later = (ms: number, then: () => void) => {
      const timer = setTimeout(then, ms);
      return () => clearTimeout(timer);
    };
    const memory = new MemoryRedis({ nowMicros: () => Date.now() * 1000, runId, later });
    return new MemoryStore(memory, await memory.connect(), runIds);
  }

  async keepCopy(): Promise<void> {
    this.#copy = this.#memory.snapshot();
  }

  async replace(survivor: Survivor): Promise<void> {
    this.#replacements++;
    const runId = this.#runIds[this.#replacements % this.#runIds.length] ?? '';
    if (survivor === 'its data') this.#memory.restart(runId, true);
    else this.#memory.restore(this.#copy, runId);
  }
}
