import { eventually } from '@spawner/testkit';
import fc from 'fast-check';
import { type Edge, startEdge } from './edge.ts';
import { mutants } from './mutants.ts';
import { sendWave, type Way } from './wave.ts';

const CASES = 20_000;
/** The same cases at every run, so that what is red is red again; others by another number. */
const SEED = Number(process.env.SPAWNER_TEST_SEED ?? 548_166_124);
const AT_ONCE = 400;
let edges: Edge[];

beforeAll(async () => {
  edges = [await startEdge('fast path', 1), await startEdge('general path', 1)];
});
afterAll(async () => {
  for (const edge of edges) await edge[Symbol.asyncDispose]();
});

it('20,000 requests that were tampered with become what was sent or nothing, on both paths the same', async () => {
  const ways = await sameHost(edges);
  const host = ways[0]?.host ?? '';
  const cases = fc.sample(mutants(host), { seed: SEED, numRuns: CASES });
  const problems: string[] = [];
  let answered = 0;
  let forwarded = 0;
  for (let from = 0; from < CASES && problems.length < 20; from += AT_ONCE) {
    const wave = cases.slice(from, from + AT_ONCE);
    const [fast, general] = await Promise.all(ways.map((way) => sendWave(way, wave)));
    if (!fast || !general) throw new Error('two paths are needed');
    problems.push(...fast.problems.map((each) => `fast path: ${each}`));
    problems.push(...general.problems.map((each) => `general path: ${each}`));
    for (const [at, { pieces }] of wave.entries()) {
      const [one, other] = [fast.outcomes[at], general.outcomes[at]];
      if (one?.silent || other?.silent)
        problems.push(`no answer to ${from + at} ${JSON.stringify(pieces)}: ${JSON.stringify([one, other])}`);
      if (one?.statuses.length) answered += 1;
      if (one?.told.length) forwarded += 1;
      if (JSON.stringify(one) !== JSON.stringify(other))
        problems.push(
          `the paths differ over ${JSON.stringify(pieces)}: ${JSON.stringify(one)} ${JSON.stringify(other)}`,
        );
    }
  }
  if (problems.length > 0) throw new Error(`with seed ${SEED}:\n${problems.join('\n')}`);
  expect(answered).toBeGreaterThan(CASES / 4);
  expect(forwarded).toBeGreaterThan(CASES / 10);
  process.stdout.write(`${CASES} cases, seed ${SEED}: ${answered} answered, ${forwarded} forwarded\n`);
});

/** The same host on both, so that the same bytes can be sent. */
async function sameHost(all: readonly Edge[]): Promise<Way[]> {
  const { id, host } = all[0]!.world.name();
  for (const { world, courses } of all) await world.ready(id, courses[0]!.recorder.port);
  return Promise.all(
    all.map(async ({ world, courses }) => {
      const { recorder } = courses[0]!;
      await eventually(async () => (await world.get(host)).status === 200);
      return { port: world.port, host, recorder };
    }),
  );
}
