/** The simulation's store is no model of Redis: it has to answer as the real one does, step by step, and hold the same in the end. */
import { systemClock } from '@spawner/domain';
import { SettleOutcome } from '@spawner/proto/internal/scheduler_service';
import { createLog } from '@spawner/service';
import { openRedis, type Redis } from '@spawner/store';
import { type Redis as RedisServer, startRedis } from '@spawner/testkit';
import fc from 'fast-check';
import { EXAMPLES } from '../memory-redis/lua/examples.ts';
import { MemoryRedis } from '../memory-redis/memory-redis.ts';
import { sequences } from './memory-redis-cases.ts';
import { dump, outcome, Side } from './memory-redis-sides.ts';

let server: RedisServer;
let real: Redis;
let runId: string;

beforeAll(async () => {
  server = await startRedis();
  real = await openRedis(server.url, createLog('test', 'silent'));
  runId = /run_id:(\w+)/.exec(String(await real.send(['INFO', 'server'])))?.[1] as string;
});

afterAll(async () => {
  await real.close();
  await server.stop();
});

async function sides(): Promise<[Side, Side]> {
  const memory = new MemoryRedis({ nowMicros: () => Date.now() * 1000, runId, clock: systemClock });
  const both = [new Side(real), new Side(await memory.connect())] as [Side, Side];
  for (const side of both) await side.empty();
  return both;
}

it('answers every sequence of the store’s scripts and of plain commands as Redis does, and holds the same', async () => {
  const reached = new Set<string>();
  await fc.assert(
    fc.asyncProperty(sequences, async (steps) => {
      const [one, other] = await sides();
      for (const [at, { name, take }] of steps.entries()) {
        const expected = await outcome(() => take(one));
        const answered = await outcome(() => take(other));
        expect({ at, name, answer: answered }).toEqual({ at, name, answer: expected });
        reached.add(`${name.split('(')[0]}: ${summary(answered)}`);
      }
      expect(await dump(other.redis)).toEqual(await dump(one.redis));
    }),
    { numRuns: 400, seed: 20261122 },
  );
  expect(WORTH_REACHING.filter((name) => !reached.has(name))).toEqual([]);
}, 300_000);

it.each(EXAMPLES)('is held to what Redis answers to %s', async (source, answer) => {
  const answered = await outcome(() => real.send(['EVAL', source, '1', 'key', 'first', 'second']));
  expect(answered ?? false).toEqual(
    JSON.parse(JSON.stringify(answer), (_, part) => (part === false ? null : part)) ?? false,
  );
});

it.each([
  ['Redis', 0],
  ['the store in memory', 1],
])('%s wakes a blocked read with what a script appends, and lets it go at its deadline', async (_, which) => {
  const { redis } = (await sides())[which] as Side;
  const blocking = await redis.duplicate();
  const script = "return redis.call('XADD', KEYS[1], 'MAXLEN', '~', 9, '7-1', 'field', ARGV[1])";
  await redis.send(['XADD', 'log', 'MAXLEN', '~', '9', '6-1', 'field', 'old']);
  const read = outcome(() => blocking.send(['XREAD', 'BLOCK', '60000', 'STREAMS', 'log', '6-1']));
  await redis.send(['SET', 'log 2', 'of no interest']);
  await redis.send(['EVAL', script, '1', 'log', 'new']);
  expect(await read).toEqual([['log', [['7-1', ['field', 'new']]]]]);
  expect(await blocking.send(['XREAD', 'BLOCK', '20', 'STREAMS', 'log', '7-1'])).toBeNull();
  await blocking.close();
});

it('tells nothing of itself that Redis does not tell', async () => {
  const [one, other] = await sides();
  const lines = async ({ redis }: Side, section: string) =>
    String(await redis.send(['INFO', section])).split('\r\n');
  expect(await lines(one, 'server')).toEqual(expect.arrayContaining(await lines(other, 'server')));
});

/** What the cases have to come to, or they would prove little. */
const WORTH_REACHING = [
  ...['placed', 'exists', 'held', 'ending', 'none'].map((outcome) => `place: ${outcome}`),
  ...['taken', 'old', 'ended', 'stale', 'unknown'].map((outcome) => `report: ${outcome}`),
  ...['restored', 'old', 'elsewhere'].map((outcome) => `restore: ${outcome}`),
  ...['true', 'false'].flatMap((answer) => [
    `abandon: ${answer}`,
    `lapse: ${answer}`,
    `forget drone: ${answer}`,
    `suspend: ${answer}`,
    `renew drone: ${answer}`,
  ]),
  ...[SettleOutcome.OPEN, SettleOutcome.ENDED, SettleOutcome.UNSPECIFIED].map(
    (outcome) => `settle: ${outcome}`,
  ),
];

/** The word of an answer that tells which way a script went. */
function summary(answer: unknown): string {
  if (typeof answer !== 'object' || answer === null) return String(answer);
  const { outcome, suspended, granted } = answer as Record<string, unknown>;
  return String(outcome ?? suspended ?? granted);
}
