import { AppError, DEADLINES } from '@spawner/domain';
import type { Log } from '@spawner/service';
import type { Keys } from './keys.ts';
import type { Redis } from './redis.ts';
import type { Arguments, ValuesOf } from './scripts/arguments.ts';
import { runScript, type ScriptDefinition } from './scripts/define-script.ts';
import { SCRIPTS } from './scripts/table.ts';

export interface StoreEpochParts {
  redis: Redis;
  keys: Keys;
  log: Log;
  /** How a store without an epoch is taken by one that never knew any: as a `new` cluster, or as a lost one (`wait`). */
  emptyStore: 'new' | 'wait';
}

/** Each attempt means that the store was replaced by another one meanwhile. */
const MOST_ATTEMPTS = 4;

/**
 * The life of one store, as its writers know it: a tick that the store keeps beside the id of the Redis process. Every
 * writing script compares both first, and writes nothing if either differs: after a restart, a failover, a loss, or an
 * older copy. Then a new epoch is begun, or adopted if another writer has begun it, and the script runs once more.
 * lua/open-epoch.lua says what a new epoch means.
 */
export class StoreEpoch {
  readonly #parts: StoreEpochParts;
  /** 0 until one is known. */
  #epoch = 0;
  #seen = 0;
  #opening: Promise<void> | undefined;

  constructor(parts: StoreEpochParts) {
    this.#parts = parts;
  }

  /** The tick of the epoch that this writer writes in; 0 before the first. */
  get current(): number {
    return this.#epoch;
  }

  /** Notes a registration that the store gave. A store that does not have it any more has gone back in time. */
  saw(registration: number): void {
    this.#seen = Math.max(this.#seen, registration);
  }

  /** Runs a script in the present epoch of the store. */
  async run<A extends Arguments, R>(script: ScriptDefinition<A, R>, args: ValuesOf<A>): Promise<R> {
    for (let attempt = 1; ; attempt++) {
      const epoch = this.#epoch;
      try {
        return await this.runIn(epoch, script, args);
      } catch (error) {
        if (!isOtherEpoch(error)) throw error;
        if (attempt === MOST_ATTEMPTS)
          throw new AppError('unavailable', 'the store is replaced again and again', { cause: error });
      }
      // Another call may have renewed the epoch meanwhile.
      if (epoch === this.#epoch) await this.#renew();
    }
  }

  /** Runs a script if the store is still in this epoch; `isOtherEpoch` recognizes the rejection. Uses `redis` if it is given. */
  runIn<A extends Arguments, R>(
    epoch: number,
    script: ScriptDefinition<A, R>,
    args: ValuesOf<A>,
    redis: Redis = this.#parts.redis,
  ): Promise<R> {
    return runScript(redis, this.#parts.keys, script, args, epoch);
  }

  /** One at a time: concurrent callers share its result. */
  #renew(): Promise<void> {
    this.#opening ??= this.#begin().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #begin(): Promise<void> {
    const { redis, keys, log, emptyStore } = this.#parts;
    const { epoch, opened, leftMs } = await runScript(redis, keys, SCRIPTS.openEpoch, {
      callersEpoch: this.#epoch,
      seen: this.#seen,
      windowMs: DEADLINES.leaseGiveAway,
      emptyStore,
    });
    const facts = { epoch, before: this.#epoch, window_ms: leftMs };
    this.#epoch = epoch;
    const message = opened ? 'a new store epoch has begun' : 'the store epoch of another writer is adopted';
    if (leftMs > 0) log.warn(facts, `${message}: no free key is given to a new holder for a while`);
    else log.info(facts, message);
  }
}

/** Whether a script wrote nothing because the store is not the one that its caller knows. */
export function isOtherEpoch(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('EPOCH');
}
