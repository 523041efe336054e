import { AppError, DEADLINES } from '@spawner/domain';
import type { Log } from '@spawner/service';
import { type Keys, scriptKeys } from './keys.ts';
import { type Redis, type RedisReply, Script } from './redis.ts';

/** The scripts that write what the scheduler owns. */
const WRITING = [
  'abandon',
  'admit',
  'expire-token',
  'forget',
  'forget-drone',
  'grant-token',
  'lapse',
  'place',
  'register',
  'renew',
  'report',
  'restore',
  'revoke-tokens',
  'settle',
  'silence',
  'stop',
  'sweep',
  'tick',
  'unregister',
  'suspend',
] as const;
export type WritingScript = (typeof WRITING)[number];

export interface StoreEpochParts {
  redis: Redis;
  keys: Keys;
  log: Log;
  /** What a store without an epoch is to one that has never known any: `new` cluster, or one that lost everything (`wait`). */
  emptyStore: 'new' | 'wait';
}

/** Each means that the store was changed for another one meanwhile. */
const MOST_IN_A_ROW = 3;

/**
 * The life of one store, as its writers know it: a tick that stands in the store beside the id of the Redis process.
 * Every writing script compares both first, and writes nothing where either is another: after a restart, a failover, a
 * loss, or an older copy. Then a new epoch is begun, or the one that another writer has begun is taken over, and the
 * script runs once more. What a new epoch means is told in lua/open-epoch.lua.
 */
export class StoreEpoch {
  readonly #parts: StoreEpochParts;
  readonly #keys: readonly string[];
  readonly #open = new Script('open-epoch', 'common');
  readonly #scripts = new Map<WritingScript, Script>(
    WRITING.map((name) => [name, new Script(name, 'common', 'guard')]),
  );
  /** 0 until one is known. */
  #epoch = 0;
  #seen = 0;
  #opening: Promise<void> | undefined;

  constructor(parts: StoreEpochParts) {
    this.#parts = parts;
    this.#keys = scriptKeys(parts.keys);
  }

  /** The tick of the epoch that its owner writes in; 0 before the first. */
  get current(): number {
    return this.#epoch;
  }

  /** A registration that the store gave: one that does not have it any more has gone back in time. */
  saw(registration: number): void {
    this.#seen = Math.max(this.#seen, registration);
  }

  /** Runs a script in the present epoch of the store, whichever that is. */
  async run(name: WritingScript, args: readonly (string | number | Buffer)[]): Promise<RedisReply> {
    for (let left = MOST_IN_A_ROW; ; left--) {
      const epoch = this.#epoch;
      try {
        return await this.runIn(epoch, name, args);
      } catch (error) {
        if (!isOtherEpoch(error)) throw error;
        if (left === 0) throw new AppError('unavailable', 'the store changes all the time', { cause: error });
      }
      // Another call may have seen to it meanwhile.
      if (epoch === this.#epoch) await this.#renew();
    }
  }

  /** Runs a script if the store is still in this epoch; rejects with what `isOtherEpoch` knows. `redis`: another connection than the usual one. */
  async runIn(
    epoch: number,
    name: WritingScript,
    args: readonly (string | number | Buffer)[],
    redis: Redis = this.#parts.redis,
  ): Promise<RedisReply> {
    const script = this.#scripts.get(name);
    if (!script) throw new Error(`no script is called ${name}`);
    return script.run(redis, this.#keys, [...args, epoch]);
  }

  /** One at a time: those who come meanwhile have what it brings. */
  #renew(): Promise<void> {
    this.#opening ??= this.#begin().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #begin(): Promise<void> {
    const { redis, log, emptyStore } = this.#parts;
    const args = [this.#epoch, this.#seen, DEADLINES.leaseGiveAway, emptyStore];
    const [epoch, opened, windowMs] = (await this.#open.run(redis, this.#keys, args)) as [
      Buffer,
      number,
      Buffer,
    ];
    const facts = { epoch: Number(String(epoch)), before: this.#epoch, window_ms: Number(String(windowMs)) };
    this.#epoch = facts.epoch;
    const message =
      opened === 1 ? 'a new store epoch has begun' : 'the store epoch of another writer is taken over';
    if (facts.window_ms > 0) log.warn(facts, `${message}: no free key is given to a new holder for a while`);
    else log.info(facts, message);
  }
}

/** Whether a script wrote nothing because the store is not the one that its caller knows. */
export function isOtherEpoch(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('EPOCH');
}
