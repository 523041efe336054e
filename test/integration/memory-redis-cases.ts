import fc from 'fast-check';
import { keys, Node, NodeKind, plain, type Side, SpecSummary } from './memory-redis-sides.ts';

/** One step that is taken on both sides. */
export interface Step {
  readonly name: string;
  readonly take: (side: Side) => Promise<unknown>;
}

const drone = fc.constantFrom('d0', 'd1', 'd2');
const proxy = fc.constantFrom('p0', 'p1');
const backend = fc.constantFrom('b0', 'b1', 'b2', 'b3', 'b4');
const key = fc.option(fc.constantFrom('k0', 'k1'), { nil: undefined });
const seldom = fc.integer({ min: 0, max: 9 }).map((number) => number === 0);
const often = seldom.map((no) => !no);
const state = fc.constantFrom(10, 20, 30, 40, 50, 50, 50, 50, 60, 70);
const ms = fc.constantFrom(0, 0, 1_000, 1_000, 3_000, 6_000, 10_001, 45_001, 600_001, 900_001);
const NAMESPACE = { namespace: 'n', tag: '' };

/** A step from arguments and what it does with them; it prints as a call. */
function step<A extends unknown[]>(
  name: string,
  args: { [K in keyof A]: fc.Arbitrary<A[K]> },
  take: (side: Side, ...args: A) => Promise<unknown>,
): fc.Arbitrary<Step> {
  return fc.tuple(...args).map((given) => ({
    name: `${name}(${given.map((each) => JSON.stringify(each)).join(', ')})`,
    take: (side) => take(side, ...(given as A)),
  }));
}

const registerProxy = (side: Side, id: string, droneId: string) =>
  side.register(Node.fromPartial({ kind: NodeKind.PROXY, id, droneId }));

const nodes = [
  step(
    'register drone',
    [drone, fc.constantFrom(500, 3_000, 8_000), fc.constantFrom(1, 3, 100)],
    (side, id, cpuMillis, backends) =>
      side.register(Node.fromPartial({ kind: NodeKind.DRONE, id, cpuMillis, memoryBytes: 8e9, backends })),
  ),
  step('register proxy', [proxy, drone], registerProxy),
  step('admit', [drone, seldom], (side, id, stale) => side.nodes.admit(id, side.registration(id, stale))),
  step('renew drone', [drone, seldom], (side, id, stale) => side.renew(NodeKind.DRONE, id, stale)),
  step('renew proxy', [proxy, seldom], (side, id, stale) => side.renew(NodeKind.PROXY, id, stale)),
  step('unregister', [proxy, ms], (side, id, silent) => side.nodes.unregister(NodeKind.PROXY, id, silent)),
  step('lapse', [drone], (side, id) => side.nodes.lapse(id)),
  step('forget drone', [drone, ms], (side, id, silent) => side.nodes.forgetDrone(id, silent)),
  step('list', [], (side) => side.nodes.list(NodeKind.DRONE)),
  step('find', [proxy], (side, id) => side.nodes.find(NodeKind.PROXY, id)),
  step('use', [drone], (side, id) => side.nodes.use(id)),
  step('silence', [drone], (side, id) => side.nodes.silence(id)),
];

/** Drones that take work, without which most other steps come to nothing. */
const ready = step('ready', [drone], async (side, id) => {
  const node = Node.fromPartial({
    kind: NodeKind.DRONE,
    id,
    cpuMillis: 3_000,
    memoryBytes: 8e9,
    backends: 5,
  });
  await side.nodes.admit(id, await side.register(node));
});

function placed(side: Side, id: string, cpuMillis: number, name: string | undefined) {
  const summary = { cpuMillis, memoryBytes: 1e9, image: 'image', labels: { a: 'é' } };
  const given = name === undefined ? undefined : { ...NAMESPACE, name };
  return side.backends.place(id, SpecSummary.fromPartial(summary), new Date(1_700_000_000_000), given);
}

const place = step('place', [backend, fc.constantFrom(100, 333, 2_000), key], placed);

/** One that is served, without which nothing is withdrawn. */
const serve = step('serve', [backend, key], async (side, id, name) => {
  const { outcome } = await placed(side, id, 50, name);
  const record = await side.backends.get(id);
  return { outcome: `${outcome}, ${record && (await side.report(id, record.drone, 50, 5, false))}` };
});

/** A report by the drone that has the backend, so that most are taken. */
const report = step(
  'report',
  [backend, state, fc.integer({ min: 1, max: 9 }), seldom],
  async (side, id, to, revision, stale) => {
    const record = await side.backends.get(id);
    return side.report(id, record?.drone ?? 'd0', to, revision, stale);
  },
);

const withdraw = step('withdraw', [backend, seldom], async (side, id, stale) => {
  const record = await side.backends.get(id);
  return side.withdraw(id, record?.drone ?? 'd0', stale);
});

const settle = step('settle', [backend, fc.boolean(), seldom], (side, id, end, wrong) =>
  side.settle(id, end, wrong),
);

const backends = [
  step(
    'report by any',
    [backend, drone, state, fc.integer({ min: 1, max: 9 })],
    (side, id, by, to, revision) => side.report(id, by, to, revision, false),
  ),
  step(
    'restore',
    [backend, drone, state, fc.integer({ min: -3, max: 9 }), key],
    (side, id, by, to, placement, name) => side.restore(id, by, to, placement, name),
  ),
  step('stop', [backend, seldom], (side, id, force) => side.stop(id, force)),
  step('abandon', [backend, fc.constantFrom('any', 'unreported'), ms], (side, id, when, silent) =>
    side.abandon(id, when, silent),
  ),
  step('forget', [backend], (side, id) => side.backends.forget(id)),
  step('get', [backend], (side, id) => side.backends.get(id)),
  step('holder', [fc.constantFrom('k0', 'k1')], (side, name) => side.backends.holder({ ...NAMESPACE, name })),
  step('living', [drone], async (side, id) => (await side.backends.living(id)).sort()),
  step(
    'page',
    [fc.constantFrom(Number.POSITIVE_INFINITY, 9_000_000_000_000_009), fc.integer({ min: 1, max: 3 })],
    (side, before, count) => side.backends.page(before, count),
  ),
];

const time = [
  step('sweep', [often], (side, advances) => side.sweep(advances)),
  step('pass', [ms], (side, passed) => side.redis.send(['HINCRBY', keys.clock, 'now', String(passed)])),
  step('lease', [], (side) => side.lease()),
];

/** Names and values collide on purpose, also with values of another kind. */
const name = fc.constantFrom('x', 'y', 'z');
const word = fc.constantFrom('a', 'b', 'c', '', '7', '-0', '1.5', 'é', '3 ');
const score = fc.constantFrom('0', '-1', '2.5', '1e3', '+inf', '-inf', '(2', '12.1', 'x', '0.1');
const rank = fc.constantFrom('0', '1', '-1', '-2', '5', '-9');
const count = fc.constantFrom('0', '1', '2', '-1');
const streamId = fc.constantFrom('*', '1-1', '5-3', '5-*', '5', '9-0', '-', '+', '0', 'x', '$');

const command = (verb: string, ...args: fc.Arbitrary<string | string[]>[]) =>
  fc.tuple(...args).map((given) => [verb, ...given.flat()]);
const options = (...words: string[][]) => fc.constantFrom<string[]>([], ...words);

const commands = fc
  .oneof(
    command(
      'SET',
      name,
      word,
      options(
        ['NX'],
        ['XX'],
        ['PX', '900000'],
        ['EX', '900'],
        ['KEEPTTL'],
        ['GET'],
        ['NX', 'XX'],
        ['PX', '0'],
      ),
    ),
    ...[
      'GET',
      'TYPE',
      'STRLEN',
      'INCR',
      'GETDEL',
      'HGETALL',
      'HKEYS',
      'HVALS',
      'HLEN',
      'SMEMBERS',
      'SCARD',
      'ZCARD',
      'XLEN',
      'PERSIST',
    ].map((verb) => command(verb, name)),
    ...['DEL', 'EXISTS', 'MGET'].map((verb) => command(verb, name, name)),
    ...[
      'INCRBY',
      'DECRBY',
      'APPEND',
      'SETNX',
      'HGET',
      'HEXISTS',
      'SISMEMBER',
      'ZSCORE',
      'ZRANK',
      'ZREVRANK',
    ].map((verb) => command(verb, name, word)),
    ...['HSET', 'HSETNX', 'HINCRBY'].map((verb) => command(verb, name, word, word)),
    ...['HDEL', 'HMGET', 'SADD', 'SREM', 'ZREM', 'SMISMEMBER', 'ZMSCORE'].map((verb) =>
      command(verb, name, word, word),
    ),
    command('HSET', name, word, word, word),
    command('HSCAN', name, fc.constant('0'), fc.constant('COUNT'), fc.constant('1000')),
    command(
      'ZADD',
      name,
      options(['NX'], ['XX'], ['GT'], ['LT'], ['CH'], ['GT', 'CH'], ['NX', 'GT'], ['INCR'], ['NX', 'XX']),
      score,
      word,
    ),
    command('ZADD', name, score, word, score, word),
    command('ZINCRBY', name, score, word),
    command('ZCOUNT', name, score, score),
    command('ZREMRANGEBYSCORE', name, score, score),
    command(
      'ZRANGE',
      name,
      rank,
      rank,
      options(['WITHSCORES'], ['REV'], ['REV', 'WITHSCORES'], ['LIMIT', '0', '1']),
    ),
    command(
      'ZRANGE',
      name,
      score,
      score,
      fc.constant('BYSCORE'),
      options(['REV'], ['LIMIT', '1', '1'], ['REV', 'WITHSCORES', 'LIMIT', '0', '2']),
    ),
    command('ZREVRANGE', name, rank, rank),
    ...['ZRANGEBYSCORE', 'ZREVRANGEBYSCORE'].flatMap((verb) => [
      command(verb, name, score, score, options(['WITHSCORES'])),
      command(verb, name, score, score, fc.constant('LIMIT'), count, count),
    ]),
    command('ZPOPMIN', name, options(['2'])),
    command(
      'XADD',
      name,
      options(['MAXLEN', '2'], ['MAXLEN', '=', '1'], ['NOMKSTREAM']),
      fc.constantFrom('1-1', '5-3', '5-*', '9-0', '9007199254740000-1', '0-0', 'x'),
      word,
      word,
    ),
    ...['XRANGE', 'XREVRANGE'].map((verb) =>
      command(verb, name, streamId, streamId, options(['COUNT', '1'])),
    ),
    command('XREAD', options(['COUNT', '1']), fc.constant('STREAMS'), name, name, streamId, streamId),
    command('KEYS', fc.constantFrom('*', 'x', '[xy]', '?', '[^x]', 'spawner:*')),
    ...['GET', 'HGET', 'SET', 'ZADD', 'XREAD', 'EVAL'].map((verb) => command(verb)),
    fc.constantFrom(...SCRIPTS().map((source) => ['EVAL', source, '1', 'x', 'a', '7'])),
    fc.constant(['EVALSHA', '0'.repeat(40), '0']),
    fc.constant(['CONFIG', 'GET', 'maxmemory']),
    fc.constant(['CONFIG', 'GET', 'min-replicas-to-write', 'appendonly']),
    fc.constant(['WAIT', '0', '10']),
  )
  .map((words): Step => ({ name: words.join(' '), take: (side) => plain(side.redis, words) }));

/** How scripts answer and fail, beside those of the store. */
function SCRIPTS(): string[] {
  return [
    'return { 1, 2.9, -2.9, "a", true, false, 3 }',
    'return { 1, nil, 3 }',
    'return redis.call("GET", "no such key")',
    'return { redis.call("GET", "no such key"), 5 }',
    'return redis.error_reply("EPOCH another one")',
    'return redis.error_reply("oops")',
    'return { err = "ERR from a table" }',
    'return redis.status_reply("FINE")',
    'return redis.call("HGET", KEYS[1])',
    'return redis.call("INCRBY", KEYS[1], ARGV[1])',
    'return redis.pcall("INCRBY", KEYS[1], ARGV[1])',
    'local answer = redis.pcall("HGET", KEYS[1], "a") return type(answer) == "table" and answer.err or answer',
    'redis.call("HSET", KEYS[1], "a", 0.1, "b", 1e20, "c", 12345678901234567) return redis.call("HGETALL", KEYS[1])',
    'return redis.call("SET", KEYS[1], ARGV[2])',
    'return redis.call("SET", KEYS[1], ARGV[2]).ok',
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
}

/** Weighted so that sequences come to something. */
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: place },
  { weight: 6, arbitrary: serve },
  { weight: 10, arbitrary: report },
  { weight: 6, arbitrary: withdraw },
  { weight: 4, arbitrary: settle },
  { weight: 6, arbitrary: fc.oneof(...nodes) },
  { weight: 8, arbitrary: fc.oneof(...backends) },
  { weight: 4, arbitrary: fc.oneof(...time) },
  { weight: 2, arbitrary: ready },
  { weight: 14, arbitrary: commands },
);

const empty: Step = { name: 'empty()', take: (side) => side.empty() };

/** Up to 60 steps, with drones and a proxy to begin with; some stores are emptied in between. */
export const sequences: fc.Arbitrary<Step[]> = fc
  .tuple(
    fc.array(ready, { minLength: 1, maxLength: 3 }),
    step('register proxy', [proxy, drone], registerProxy),
    fc.array(anyStep, { minLength: 5, maxLength: 54, size: 'max' }),
    fc.option(fc.nat(200), { nil: 200 }),
  )
  .map(([drones, proxy, steps, emptied]) => [
    ...drones,
    proxy,
    ...steps.toSpliced(emptied, 0, ...(emptied < steps.length ? [empty, ...drones] : [])),
  ]);
