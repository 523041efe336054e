/**
 * The TXT values that prove the domain to certificate authorities. They stand in Redis so that every dns
 * server gives out all of them, and each server answers from a copy that it reads twice a second: a
 * challenge that was set here is given out here before the call is answered. All times are Redis's own;
 * the copy keeps how long each value has left, so values go in time even while Redis is away.
 */
import { AppError, type Clock } from '@spawner/domain';
import type { Redis } from '@spawner/store';
import type { ChallengesView } from './zone.ts';

/** How often the copy is read anew, in milliseconds. */
export const REFRESH_EVERY_MS = 500;
/** Values at once in the cluster; one certificate needs two. */
export const MAX_VALUES = 64;

export interface Challenge {
  /** In lower case, without a final dot. */
  name: string;
  /** Without white space. */
  value: string;
}

type Expiries = ReadonlyMap<string, number>;

export class Challenges implements ChallengesView {
  readonly #redis: Redis;
  readonly #key: string;
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  /** Name to values, each with the moment of this process's clock when it goes. */
  #values: ReadonlyMap<string, Expiries> = new Map();
  /** One after the other, so that the bound holds. */
  #setting: Promise<void> = Promise.resolve();

  constructor(redis: Redis, key: string, clock: Clock) {
    this.#redis = redis;
    this.#key = key;
    this.#clock = clock;
  }

  at(name: string): string[] {
    const now = this.#clock.now();
    return [...(this.#values.get(name) ?? [])].flatMap(([value, until]) => (until > now ? [value] : []));
  }

  existsBelow(name: string): boolean {
    for (const known of this.#values.keys())
      if (known.endsWith(`.${name}`) && this.at(known).length > 0) return true;
    return false;
  }

  onChange(listener: () => void): { close(): void } {
    this.#listeners.add(listener);
    return { close: () => this.#listeners.delete(listener) };
  }

  /** Adds a value, or makes it last longer; it is given out here when this resolves. Throws `exhausted` beyond 64. */
  set(challenge: Challenge, ttlMs: number): Promise<void> {
    const setting = this.#setting.then(() => this.#set(memberOf(challenge), ttlMs));
    this.#setting = setting.catch(() => {});
    return setting;
  }

  /** Takes a value away; it is not given out here any more when this resolves. */
  async clear(challenge: Challenge): Promise<void> {
    await this.#redis.send(['ZREM', this.#key, memberOf(challenge)]);
    await this.refresh();
  }

  /** Reads the copy anew where Redis is there; without it the copy stays as it is. */
  async follow(): Promise<void> {
    if (this.#redis.ready) await this.refresh();
  }

  /** Reads the copy anew. Replies of one connection come in order, so a later call never brings an older state. */
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
