import type { RedisReply } from '../redis.ts';

/** Readers of what scripts return: Redis gives text as Buffers and Lua's numbers as integers. */

export const textOf = (reply: RedisReply | undefined): string => String(reply ?? '');

export const integerOf = (reply: RedisReply | undefined): number => Number(String(reply ?? 0));

export const flagOf = (reply: RedisReply): boolean => reply === 1;

export const listOf = (reply: RedisReply | undefined): RedisReply[] => (Array.isArray(reply) ? reply : []);

/** Bytes of a list's entry. Throws if the script returned anything else there. */
export function bytesOf(reply: RedisReply | undefined): Buffer {
  if (!Buffer.isBuffer(reply)) throw new Error('a script returned no bytes where it should');
  return reply;
}

/** Every second entry of a flat list of pairs, as HGETALL gives them. */
export const valuesOf = (pairs: readonly RedisReply[]): RedisReply[] =>
  pairs.filter((_, index) => index % 2 === 1);
