/** Holds the Redis in memory to the real one: the same answers, step by step, and the same content in the end. */
import { SettleOutcome } from '@spawner/proto/internal/scheduler_service';
import fc from 'fast-check';
import { EXAMPLES, withoutPlace } from '../memory-redis/lua/examples.ts';
import { sequences } from './memory-redis-cases.ts';
import { dump, outcome, Side } from './memory-redis-sides.ts';
import { MemoryStore, RealStore } from './memory-redis-stores.ts';

/** New for every run. A failure prints it, with the path to the sequence that failed. */
const SEED = Number(process.env.MEMORY_REDIS_SEED ?? Date.now() % 2 ** 31);
const RUNS = 400;

let stack: AsyncDisposableStack;
let real: RealStore;

beforeAll(async () => {
  stack = new AsyncDisposableStack();
  real = await RealStore.start(stack);
});

afterAll(() => stack.disposeAsync());

async function sides(): Promise<[Side, Side]> {
  real.begin();
  const both = [new Side(real), new Side(await MemoryStore.start(real.runIds))] as [Side, Side];
  for (const side of both) await side.empty();
  return both;
}

it('answers every sequence of scripts and commands as Redis does, and has the same content', async () => {
  console.info(`memory-redis: seed ${SEED}`);
  const reached = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(sequences, async (steps) => {
      const [one, other] = await sides();
      for (const [at, { name, take }] of steps.entries()) {
        const expected = await outcome(() => take(one));
        const answered = await outcome(() => take(other));
        expect({ at, name, answer: answered }).toEqual({ at, name, answer: expected });
        const way = `${name.split('(')[0]}: ${summary(answered)}`;
        reached.set(way, (reached.get(way) ?? 0) + 1);
      }
      expect(await dump(other.redis)).toEqual(await dump(one.redis));
    }),
    { numRuns: RUNS, seed: SEED },
  );
  console.info(
    WORTH_REACHING.map((w) => [w, reached.get(w) ?? 0])
      .filter(([, n]) => (n as number) < 60)
      .join(' | '),
  );
  expect(WORTH_REACHING.filter((way) => !reached.has(way))).toEqual([]);
}, 300_000);

it.each(EXAMPLES)('is held to the answer of Redis to %s', async (source, answer) => {
  const answered = await outcome(() => real.redis.send(['EVAL', source, '1', 'key', 'first', 'second']));
  const expected = JSON.parse(JSON.stringify(answer), (_, part) => (part === false ? null : part));
  const told = (answered as { error?: string } | null)?.error;
  expect(told === undefined ? answered : { error: withoutPlace(told) }).toEqual(expected);
});

it.each([
  ['Redis', 0],
  ['the Redis in memory', 1],
])(
  '%s wakes a blocked read with an entry that a script appends, and ends it at its deadline',
  async (_, which) => {
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
  },
);

it('reports the lines of INFO that Redis reports', async () => {
  const [one, other] = await sides();
  const lines = async ({ redis }: Side, section: string) =>
    String(await redis.send(['INFO', section])).split('\r\n');
  expect(await lines(one, 'server')).toEqual(expect.arrayContaining(await lines(other, 'server')));
});

/** The outcomes without which the sequences would prove little. */
const WORTH_REACHING = [
  ...['placed', 'exists', 'held', 'ending', 'none', 'window', 'unconfirmed'].map(
    (outcome) => `place: ${outcome}`,
  ),
  ...['taken', 'old', 'ended', 'stale', 'unknown'].map((outcome) => `report: ${outcome}`),
  ...['restored', 'old', 'elsewhere'].map((outcome) => `restore: ${outcome}`),
  ...['true', 'false'].flatMap((answer) => [
    `abandon: ${answer}`,
    `lapse: ${answer}`,
    `miss: ${answer}`,
    `forget drone: ${answer}`,
    `suspend: ${answer}`,
    `renew drone: ${answer}`,
  ]),
  ...['known', 'absent', 'unsure'].map((answer) => `confirm: ${answer}`),
  ...['keep copy', 'restart', 'older copy'].map((replacement) => `${replacement}: undefined`),
  'suspend: refused in a window',
  ...[SettleOutcome.OPEN, SettleOutcome.ENDED, SettleOutcome.UNSPECIFIED].map(
    (outcome) => `settle: ${outcome}`,
  ),
];

/** The part of an answer that shows which way a script went. */
function summary(answer: unknown): string {
  if (typeof answer !== 'object' || answer === null) return String(answer);
  const { outcome, suspended, granted, refusal } = answer as Record<string, unknown>;
  if (refusal !== undefined) return 'refused in a window';
  return String(outcome ?? suspended ?? granted);
}
