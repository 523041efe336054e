import { randomInt } from 'node:crypto';
import { eventually } from '@spawner/testkit';
import fc from 'fast-check';
import { type Edge, startEdge } from './edge.ts';
import { type Mutant, mutants } from './mutants.ts';
import { type Outcome, sendWave, type WaveResult, type Way } from './wave.ts';

const CASES = 20_000;
/** New cases in every run. */
const SEED = Number(process.env.SPAWNER_TEST_SEED ?? randomInt(2 ** 31));
const AT_ONCE = 400;
const FAULT_MS = 100;
/** For a case that is judged by itself. */
const PATIENT_MS = 2_000;
const REPEAT = `SPAWNER_TEST_SEED=${SEED} node test/run.mjs conformance http/mutants`;
let edges: Edge[];

beforeAll(async () => {
  edges = [await startEdge('fast path', 1), await startEdge('general path', 1)];
});
afterAll(async () => {
  for (const edge of edges) await edge[Symbol.asyncDispose]();
});

it('20,000 mutated requests become what was sent or nothing, the same on both paths', async () => {
  const ways = await sameHost(edges);
  const cases = fc.sample(mutants(ways[0]?.host ?? ''), { seed: SEED, numRuns: CASES });
  const problems: string[] = [];
  let answered = 0;
  let forwarded = 0;
  let refused = 0;
  for (let from = 0; from < CASES && problems.length < 20; from += AT_ONCE) {
    const wave = cases.slice(from, from + AT_ONCE);
    const both = await Promise.all(ways.map((way) => sendWave(way, wave, FAULT_MS)));
    problems.push(...both.flatMap((each) => each.problems));
    const [fast, general] = both.map(({ outcomes }) => outcomes);
    for (const [at, mutant] of wave.entries()) {
      const one = fast?.[at];
      if (one?.statuses.length) answered += 1;
      if (one?.told.length) forwarded += 1;
      if (one?.statuses.some((status) => status >= 400)) refused += 1;
      // A slow machine is no fault of the proxy: a case that looks wrong is judged again by itself.
      if (isWrong(one, general?.[at])) problems.push(...(await tryAlone(ways, mutant)));
    }
  }
  process.stdout.write(
    `${CASES} cases: ${answered} answered, ${forwarded} forwarded, ${refused} refused. The same again: ${REPEAT}\n`,
  );
  if (problems.length > 0) throw new Error(`${problems.join('\n')}\nThe same again: ${REPEAT}`);
  expect(answered).toBeGreaterThan(CASES / 4);
  expect(forwarded).toBeGreaterThan(CASES / 10);
  expect(refused).toBeGreaterThan(CASES / 10);
});

function isWrong(one: Outcome | undefined, other: Outcome | undefined): boolean {
  if (!one || !other || one.silent || other.silent) return true;
  return JSON.stringify(one) !== JSON.stringify(other);
}

async function tryAlone(ways: readonly Way[], mutant: Mutant): Promise<string[]> {
  const both: WaveResult[] = [];
  for (const way of ways) both.push(await sendWave(way, [mutant], PATIENT_MS));
  const [one, other] = both.map(({ outcomes }) => outcomes[0]);
  const problems = both.flatMap((each) => each.problems);
  if (isWrong(one, other))
    problems.push(`${JSON.stringify(mutant.pieces)}: ${JSON.stringify(one)} and ${JSON.stringify(other)}`);
  return problems;
}

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
