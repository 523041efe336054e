import fc from 'fast-check';
import { plain, type Step } from './memory-redis-sides.ts';

/** How scripts answer and fail, beside the store's own. */
const SCRIPTS = [
  'return { 1, 2.9, -2.9, "a", true, false, 3 }',
  'return redis.call("GET", "no such key")',
  'return redis.error_reply("OOPS it failed")',
  'return redis.call("HGET", KEYS[1])',
  'return redis.call("HINCRBY", KEYS[1], "n", ARGV[1])',
  'redis.call("HSET", KEYS[1], "a", 0.1, "b", 1e20, "c", 12345678901234567) return redis.call("HGETALL", KEYS[1])',
  'return redis.call("SET", KEYS[1], ARGV[2])',
  'return redis.call("ZADD", KEYS[1], 12.5, "m")',
  'return ARGV[2] + nil',
  'return ARGV[3] .. "x"',
  'return #KEYS[2]',
  'local t = redis.call("TIME") return #t',
  'return redis.call("EVAL", "return 1", 0)',
];

/** Every kind of value has a key of its own, and all kinds meet at one. */
const nameOf = (own: string) => fc.constantFrom(own, own, own, 'x');
const [text, hash, set, sorted, log] = ['text', 'hash', 'set', 'sorted', 'log'].map(nameOf) as [
  fc.Arbitrary<string>,
  fc.Arbitrary<string>,
  fc.Arbitrary<string>,
  fc.Arbitrary<string>,
  fc.Arbitrary<string>,
];
const any = fc.constantFrom('text', 'hash', 'set', 'sorted', 'log', 'x');
const word = fc.constantFrom('a', 'b', 'c', '', '7', '-0', '1.5', 'é', '3 ');
const score = fc.constantFrom('0', '1', '-1', '2.5', '1e3', '+inf', '-inf', '12.1', '0.1', '(2', 'x');
const rank = fc.constantFrom('0', '1', '-1', '-2', '5', '-9');
const count = fc.constantFrom('0', '1', '2');
const newId = fc.constantFrom('1-1', '5-1', '5-2', '9-1', '9-2', '9-3', '5-3', '0-0');
const entryId = fc.constantFrom('1-1', '5-3', '9-0', '0-0');
const rangeEnd = fc.oneof(entryId, fc.constantFrom('-', '+'));

const command = (verb: string, ...args: fc.Arbitrary<string | string[]>[]) =>
  fc.tuple(...args).map((given) => [verb, ...given.flat()]);
const each = (verbs: string[], ...args: fc.Arbitrary<string | string[]>[]) =>
  verbs.map((verb) => command(verb, ...args));
const options = (...words: string[][]) => fc.constantFrom<string[]>([], ...words);
const words = (...fixed: string[]) => fc.constant(fixed);

const onTexts = [command('SET', text, word), command('GET', text)];

const onHashes = [
  ...each(['HGETALL', 'HKEYS', 'HVALS', 'HLEN'], hash),
  ...each(['HGET', 'HEXISTS'], hash, word),
  ...each(['HSET', 'HSETNX', 'HINCRBY', 'HDEL', 'HMGET'], hash, word, word),
  command('HSET', hash, word, word, word),
  command('HSCAN', hash, words('0', 'COUNT', '1000')),
];

const onSets = [...each(['SMEMBERS', 'SCARD'], set), ...each(['SADD', 'SREM'], set, word, word)];

const onSortedSets = [
  ...each(['ZADD', 'ZADD'], sorted, score, word),
  ...each(['ZADD', 'ZADD'], sorted, score, word, score, word),
  command('ZSCORE', sorted, word),
  ...each(['ZREM', 'ZMSCORE'], sorted, word, word),
  command('ZRANGE', sorted, rank, rank, options(['WITHSCORES'])),
  ...each(['ZRANGEBYSCORE', 'ZREVRANGEBYSCORE'], sorted, score, score, options(['WITHSCORES'])),
  ...each(['ZRANGEBYSCORE', 'ZREVRANGEBYSCORE'], sorted, score, score, words('LIMIT'), count, count),
  command('ZCARD', sorted),
];

const append = (key: fc.Arbitrary<string | string[]>, ...id: fc.Arbitrary<string>[]) =>
  command('XADD', key, words('MAXLEN', '~', '1000'), ...id, word, word);

const onStreams = [
  append(log, newId),
  append(log, newId),
  command('XRANGE', log, rangeEnd, rangeEnd),
  command('XREAD', options(['COUNT', '1']), words('STREAMS'), log, entryId),
];

const others = [
  ...each(['DEL', 'EXISTS'], any, any),
  command('TYPE', any),
  words('KEYS', '*'),
  ...each(['GET', 'HGET', 'SET', 'ZADD', 'XREAD', 'EVAL']),
  words('EVALSHA', '0'.repeat(40), '0'),
];

const scripts = command('EVAL', fc.constantFrom(...SCRIPTS), words('1'), any, words('a', '7'));

/** Any command that the Redis in memory has, with arguments that are often wrong. */
export const commands: fc.Arbitrary<Step> = fc
  .oneof(
    ...[onTexts, onHashes, onSets, onSortedSets, onStreams, others, [scripts]].map((group) =>
      fc.oneof(...group),
    ),
  )
  .map((given) => ({ name: given.join(' '), take: (side) => plain(side.redis, given) }));
