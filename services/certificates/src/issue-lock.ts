/**
 * The right to issue, so that of all services one asks the issuer at a time. Held by a token of our own
 * in Redis that is extended while the work goes on; a holder that died loses it within 30 s. Losing it
 * while alive costs a second certificate, never a wrong one.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '@spawner/domain';
import type { Redis } from '@spawner/store';

const LEASE_MS = 30_000;
const EXTEND_EVERY_MS = 10_000;

/** Sets the expiry of our own lease; 0 gives it up. Somebody else's stays as it is. */
const EXPIRE_IF_OURS =
  "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end return redis.call('PEXPIRE', KEYS[1], ARGV[2])";

export class IssueLock {
  readonly #redis: Redis;
  readonly #key: string;
  readonly #clock: Clock;
  readonly #token = randomUUID();

  constructor(redis: Redis, key: string, clock: Clock) {
    this.#redis = redis;
    this.#key = key;
    this.#clock = clock;
  }

  /** Whether it is ours now. */
  async take(): Promise<boolean> {
    const answer = await this.#redis.send(['SET', this.#key, this.#token, 'NX', 'PX', String(LEASE_MS)]);
    return answer !== null;
  }

  /** Extends the lease while the work goes on; the work's signal aborts where it is lost. */
  async whileHeld<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const over = new AbortController();
    const lost = new AbortController();
    const extending = this.#extend(over.signal, () => lost.abort(new Error('the lease to issue was lost')));
    try {
      return await work(AbortSignal.any([signal, lost.signal]));
    } finally {
      over.abort(new Error('the work is done'));
      await extending;
    }
  }

  /** Keeps it without work for so long: nobody issues meanwhile. 0 lets the next one in at once. */
  async leave(ms: number): Promise<void> {
    await this.#expire(Math.ceil(ms));
  }

  async #extend(over: AbortSignal, lost: () => void): Promise<void> {
    let heldUntil = this.#clock.now() + LEASE_MS;
    while (!over.aborted) {
      await this.#clock.sleep(EXTEND_EVERY_MS, over).catch(() => {});
      if (over.aborted) return;
      const askedAt = this.#clock.now();
      const held = await this.#expire(LEASE_MS).catch(() => undefined);
      if (held) heldUntil = askedAt + LEASE_MS;
      if (held === false || this.#clock.now() >= heldUntil) return lost();
    }
  }

  async #expire(ms: number): Promise<boolean> {
    const command = ['EVAL', EXPIRE_IF_OURS, '1', this.#key, this.#token, String(ms)];
    return (await this.#redis.send(command)) === 1;
  }
}
