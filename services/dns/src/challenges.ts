/**
 * The TXT values that prove the domain to certificate authorities. They are stored in Redis, so that every dns server
 * serves all of them. Each server answers from a copy that it reads twice a second, and a call to `set` is answered only
 * when the value is served here. Expiries are in Redis's time. The copy keeps the time that is left, so values expire even
 * while Redis is away.
 */
import { AppError, type Clock } from '@spawner/domain';
import type { Redis } from '@spawner/store';

/** Milliseconds between two reads of the copy. */
export const REFRESH_EVERY_MS = 500;
/** Most values at once in the cluster. One certificate needs two. */
export const MAX_VALUES = 64;

export interface Challenge {
  /** In lower case, without a trailing dot. */
  name: string;
  /** Without white space. */
  value: string;
}

type Expiries = ReadonlyMap<string, number>;

export class Challenges {
  readonly #redis: Redis;
  readonly #key: string;
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  /** The values by name, each with its expiry on this process's clock. */
  #values: ReadonlyMap<string, Expiries> = new Map();
  /** Sets values one after the other, so that the bound holds. */
  #setting: Promise<void> = Promise.resolve();

  constructor(redis: Redis, key: string, clock: Clock) {
    this.#redis = redis;
    this.#key = key;
    this.#clock = clock;
  }

  /** The values at this name, which is in lower case. */
  at(name: string): readonly string[] {
    const now = this.#clock.now();
    return [...(this.#values.get(name) ?? [])].flatMap(([value, until]) => (until > now ? [value] : []));
  }

  /** Whether a name below this one has values. */
  existsBelow(name: string): boolean {
    return [...this.#values.keys()].some((known) => known.endsWith(`.${name}`) && this.at(known).length > 0);
  }

  onChange(listener: () => void): { close(): void } {
    this.#listeners.add(listener);
    return { close: () => this.#listeners.delete(listener) };
  }

  /** Adds a value or extends it. It is served here when this resolves. Throws `exhausted` beyond 64 values. */
  set(challenge: Challenge, ttlMs: number): Promise<void> {
    const setting = this.#setting.then(() => this.#set(memberOf(challenge), ttlMs));
    this.#setting = setting.catch(() => {});
    return setting;
  }

  /** Removes a value. It is no longer served here when this resolves. */
  async clear(challenge: Challenge): Promise<void> {
    await this.#redis.send(['ZREM', this.#key, memberOf(challenge)]);
    await this.refresh();
  }

  /** Reads the copy if Redis is connected. Without Redis the copy is kept. */
  async follow(): Promise<void> {
    if (this.#redis.ready) await this.refresh();
  }

  /** Reads the copy. Replies of one connection are ordered, so a later call never returns an older state. */
  async refresh(): Promise<void> {
    const [now, reply] = await Promise.all([
      this.#redisTime(),
      this.#redis.send(['ZRANGE', this.#key, '0', String(2 * MAX_VALUES), 'WITHSCORES']),
    ]);
    const local = this.#clock.now();
    const values = new Map<string, Map<string, number>>();
    const flat = (reply as Buffer[]).map(String);
    for (let at = 0; at + 1 < flat.length; at += 2) {
      const [name = '', value = ''] = (flat[at] as string).split(' ');
      const left = Number(flat[at + 1]) - now;
      if (left > 0) values.set(name, (values.get(name) ?? new Map()).set(value, local + left));
    }
    const changed = shapeOf(values) !== shapeOf(this.#values);
    this.#values = values;
    if (changed) for (const listener of this.#listeners) listener();
  }

  async #set(member: string, ttlMs: number): Promise<void> {
    const now = await this.#redisTime();
    await this.#redis.send(['ZREMRANGEBYSCORE', this.#key, '-inf', String(now)]);
    const known = await this.#redis.send(['ZSCORE', this.#key, member]);
    if (known === null && Number(await this.#redis.send(['ZCARD', this.#key])) >= MAX_VALUES)
      throw new AppError('exhausted', `there are ${MAX_VALUES} challenges already`);
    await this.#redis.send(['ZADD', this.#key, 'GT', String(now + ttlMs), member]);
    await this.refresh();
  }

  async #redisTime(): Promise<number> {
    const [seconds, micros] = (await this.#redis.send(['TIME'])) as Buffer[];
    return Number(seconds?.toString()) * 1_000 + Math.floor(Number(micros?.toString()) / 1_000);
  }
}

function memberOf({ name, value }: Challenge): string {
  return `${name} ${value}`;
}

function shapeOf(values: ReadonlyMap<string, Expiries>): string {
  return JSON.stringify([...values].map(([name, each]) => [name, [...each.keys()]]));
}
