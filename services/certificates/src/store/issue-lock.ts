/**
 * A lock in Redis, so that only one service asks the issuer at a time. Its holder has a random token and extends the lock
 * while it works; a holder that has died loses it within 30 s. Losing it while alive costs a second certificate, never a
 * wrong one.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '@spawner/domain';
import type { Redis } from '@spawner/store';

const LOCK_MS = 30_000;
const EXTEND_EVERY_MS = 10_000;

/** Sets the expiry of the lock if we hold it. 0 releases it. */
const EXPIRE_IF_OURS =
  "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end return redis.call('PEXPIRE', KEYS[1], ARGV[2])";

export class IssueLock {
  readonly #redis: Redis;
  readonly #key: string;
  readonly #clock: Clock;
  readonly #token: string;

  /** `token` identifies the holder. It must be unique. */
  constructor(redis: Redis, key: string, clock: Clock, token: string = randomUUID()) {
    this.#redis = redis;
    this.#key = key;
    this.#clock = clock;
    this.#token = token;
  }

  /** Tries to take the lock. Returns whether we hold it now. */
  async take(): Promise<boolean> {
    const answer = await this.#redis.send(['SET', this.#key, this.#token, 'NX', 'PX', String(LOCK_MS)]);
    return answer !== null;
  }

  /** Extends the lock while the work runs. The work's signal aborts if the lock is lost. */
  async whileHeld<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const over = new AbortController();
    const lost = new AbortController();
    const extending = this.#extend(over.signal, () => lost.abort(new Error('the issue lock was lost')));
    try {
      return await work(AbortSignal.any([signal, lost.signal]));
    } finally {
      over.abort(new Error('the work is done'));
      await extending;
    }
  }

  /** Releases the lock after `afterMs`. Until then no service issues. */
  async release(afterMs: number): Promise<void> {
    await this.#expire(Math.ceil(afterMs));
  }

  async #extend(over: AbortSignal, lost: () => void): Promise<void> {
    let heldUntil = this.#clock.now() + LOCK_MS;
    while (!over.aborted) {
      await this.#clock.sleep(EXTEND_EVERY_MS, over).catch(() => {});
      if (over.aborted) return;
      const askedAt = this.#clock.now();
      const held = await this.#expire(LOCK_MS).catch(() => undefined);
      if (held) heldUntil = askedAt + LOCK_MS;
      if (held === false || this.#clock.now() >= heldUntil) return lost();
    }
  }

  async #expire(ms: number): Promise<boolean> {
    const command = ['EVAL', EXPIRE_IF_OURS, '1', this.#key, this.#token, String(ms)];
    return (await this.#redis.send(command)) === 1;
  }
}
