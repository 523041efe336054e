import fc from 'fast-check';
import { plain, type Step } from './memory-redis-sides.ts';

/** How scripts answer and fail, beside those of the store. */
const SCRIPTS = [
  'return { 1, 2.9, -2.9, "a", true, false, 3 }',
  'return redis.call("GET", "no such key")',
  'return redis.error_reply("oops")',
  'return redis.status_reply("FINE")',
  'return redis.call("HGET", KEYS[1])',
  'return redis.call("INCRBY", KEYS[1], ARGV[1])',
  'return redis.pcall("INCRBY", KEYS[1], ARGV[1])',
  'local answer = redis.pcall("HGET", KEYS[1], "a") return type(answer) == "table" and answer.err or answer',
  'redis.call("HSET", KEYS[1], "a", 0.1, "b", 1e20, "c", 12345678901234567) return redis.call("HGETALL", KEYS[1])',
  'return redis.call("SET", KEYS[1], ARGV[2])',
  'return redis.call("ZADD", KEYS[1], 12.5, "m")',
  'return ARGV[2] + nil',
  'return ARGV[3] .. "x"',
  'return #KEYS[2]',
  'error("raised")',
  'error({ err = "MINE raised" })',
  'return string.match(redis.call("INFO", "server"), "run_id:(%w+)")',
  'local t = redis.call("TIME") return #t',
  'return redis.call("EVAL", "return 1", 0)',
];

/** Every kind of value has a key of its own, and all meet at one. */
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
const count = fc.constantFrom('0', '1', '2', '-1');
const newId = fc.constantFrom('1-1', '5-*', '5-*', '5-*', '9-*', '9-*', '9-*', '5-3', '0-0', 'x');
const entryId = fc.constantFrom('1-1', '5-3', '5', '9-0', '0', '-', '+', 'x', '$');

const command = (verb: string, ...args: fc.Arbitrary<string | string[]>[]) =>
  fc.tuple(...args).map((given) => [verb, ...given.flat()]);
const each = (verbs: string[], ...args: fc.Arbitrary<string | string[]>[]) =>
  verbs.map((verb) => command(verb, ...args));
const options = (...words: string[][]) => fc.constantFrom<string[]>([], ...words);
const words = (...fixed: string[]) => fc.constant(fixed);

const onTexts = [
  command(
    'SET',
    text,
    word,
    options(['NX'], ['XX'], ['PX', '900000'], ['EX', '900'], ['KEEPTTL'], ['GET'], ['NX', 'XX'], ['PX', '0']),
  ),
  ...each(['GET', 'STRLEN', 'INCR', 'DECR', 'GETDEL', 'PERSIST'], text),
  ...each(['INCRBY', 'DECRBY', 'APPEND', 'SETNX'], text, word),
  command('MGET', text, any),
];

const onHashes = [
  ...each(['HGETALL', 'HKEYS', 'HVALS', 'HLEN'], hash),
  ...each(['HGET', 'HEXISTS', 'HSTRLEN'], hash, word),
  ...each(['HSET', 'HSETNX', 'HINCRBY', 'HDEL', 'HMGET'], hash, word, word),
  command('HSET', hash, word, word, word),
  command('HSCAN', hash, words('0', 'COUNT', '1000')),
];

const onSets = [
  ...each(['SMEMBERS', 'SCARD'], set),
  command('SISMEMBER', set, word),
  ...each(['SADD', 'SREM', 'SMISMEMBER'], set, word, word),
];

const onSortedSets = [
  command(
    'ZADD',
    sorted,
    options(['NX'], ['XX'], ['GT'], ['LT'], ['CH'], ['GT', 'CH'], ['NX', 'GT'], ['INCR'], ['NX', 'XX']),
    score,
    word,
  ),
  ...each(['ZADD', 'ZADD'], sorted, score, word, score, word),
  command('ZINCRBY', sorted, score, word),
  ...each(['ZSCORE', 'ZRANK', 'ZREVRANK'], sorted, word),
  ...each(['ZREM', 'ZMSCORE'], sorted, word, word),
  ...each(['ZCOUNT', 'ZREMRANGEBYSCORE'], sorted, score, score),
  ...each(['ZRANGE', 'ZREVRANGE'], sorted, rank, rank, options(['WITHSCORES'], ['LIMIT', '0', '1'])),
  command('ZRANGE', sorted, rank, rank, options(['REV'], ['REV', 'WITHSCORES'])),
  command(
    'ZRANGE',
    sorted,
    score,
    score,
    words('BYSCORE'),
    options(['REV'], ['LIMIT', '1', '1'], ['REV', 'WITHSCORES', 'LIMIT', '0', '2']),
  ),
  ...each(['ZRANGEBYSCORE', 'ZREVRANGEBYSCORE'], sorted, score, score, options(['WITHSCORES'])),
  ...each(['ZRANGEBYSCORE', 'ZREVRANGEBYSCORE'], sorted, score, score, words('LIMIT'), count, count),
  ...each(['ZPOPMIN', 'ZPOPMAX'], sorted, options(['2'])),
  command('ZCARD', sorted),
];

const onStreams = [
  ...each(
    ['XADD', 'XADD'],
    log,
    options(['MAXLEN', '2'], ['MAXLEN', '=', '1'], ['NOMKSTREAM']),
    newId,
    word,
    word,
  ),
  ...each(['XRANGE', 'XREVRANGE'], log, entryId, entryId, options(['COUNT', '1'])),
  command('XREAD', options(['COUNT', '1']), words('STREAMS'), log, any, entryId, entryId),
  command('XTRIM', log, words('MAXLEN'), count),
  command('XLEN', log),
];

const others = [
  ...each(['DEL', 'EXISTS'], any, any),
  command('TYPE', any),
  command('KEYS', fc.constantFrom('*', 'x', '[xl]*', '?', '[^x]', '*o*', 'spawner:*')),
  ...each(['GET', 'HGET', 'SET', 'ZADD', 'XREAD', 'EVAL']),
  words('EVALSHA', '0'.repeat(40), '0'),
  words('CONFIG', 'GET', 'maxmemory'),
  words('CONFIG', 'GET', 'min-replicas-to-write', 'appendonly'),
  words('WAIT', '0', '10'),
];

/** Streams have to grow before anything is cut off. */
const growing = each(['XADD', 'XADD'], words('log'), options(['MAXLEN', '2']), words('9-*', 'field'), word);

const scripts = command('EVAL', fc.constantFrom(...SCRIPTS), words('1'), any, words('a', '7'));

/** Any of Redis's commands that are kept, with arguments that are often wrong. */
export const commands: fc.Arbitrary<Step> = fc
  .oneof(
    ...[onTexts, onHashes, onSets, onSortedSets, onStreams, growing, others, [scripts]].map((group) =>
      fc.oneof(...group),
    ),
  )
  .map((given) => ({ name: given.join(' '), take: (side) => plain(side.redis, given) }));
