/** Runs a plan of checks and suites with one Docker Engine for all, and ends with one line that counts everything. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Docker, startDocker, tempDir } from '@spawner/testkit';
import { markedPath } from '../../libs/testkit/src/test-run.ts';
import { runChecks } from './checks.ts';
import { type JestOutcome, type JestRun, runJest } from './jest-run.ts';
import { leftoversNow, removeLeftovers } from './leftovers.ts';
import {
  add,
  afterRepetition,
  closingLine,
  nothing,
  oneFailed,
  type Tally,
  tallyOf,
  unjudgedFiles,
} from './tally.ts';

interface Plan {
  checks: boolean;
  projects: string[];
  patterns: string[];
  docker: boolean;
}

/** The variable that gives the suites their engine, if there is one. */
type Engine = { SPAWNER_TEST_DOCKER_SOCKET?: string };

const root = join(import.meta.dirname, '..', '..');
const { checks, projects, patterns, docker: wantsDocker } = JSON.parse(process.argv[2]!) as Plan;
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort());

const total = add([
  await counted(async () => (checks ? runChecks(root, interrupted.signal) : nothing)),
  await counted(() => (wantsDocker ? withDocker(runProjects) : runProjects({}))),
  interrupted.signal.aborted ? oneFailed('interrupted') : nothing,
]);
if (total.failures.length > 0)
  console.log(`\nFailed:\n${total.failures.map((each) => `  ${each}`).join('\n')}`);
console.log(closingLine(total));
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

/** An error of the runner itself is a failure like any other: the closing line always comes. */
async function counted(run: () => Promise<Tally>): Promise<Tally> {
  try {
    return await run();
  } catch (error) {
    console.error(error);
    return oneFailed('the run itself failed; its error is above');
  }
}

async function runProjects(engine: Engine): Promise<Tally> {
  await using dir = await tempDir('results');
  const run = randomBytes(3).toString('hex');
  const env = { ...engine, PATH: markedPath(process.env.PATH ?? '', { run, file: undefined }) };
  const common = { root, dir: dir.path, env, signal: interrupted.signal };
  const outcomes = new Map<string, JestOutcome>();
  const tallies: Tally[] = [];
  const place = { run, dockerSocket: engine.SPAWNER_TEST_DOCKER_SOCKET };
  /** Runs jest, removes what it left behind, and counts each thing as a failure. */
  const runClean = async (project: string, selection: Pick<JestRun, 'patterns' | 'files'>) => {
    const before = await leftoversNow(place);
    const outcome = await runJest({ ...common, ...selection, project });
    const cleaned = await counted(async () => {
      const left = await removeLeftovers(place, before);
      return add(
        left.map(({ what, file = 'a test' }) => oneFailed(`${project}: ${file} left behind: ${what}`)),
      );
    });
    tallies.push(cleaned);
    return outcome;
  };
  for (const project of projects) {
    if (interrupted.signal.aborted) break;
    outcomes.set(project, await runClean(project, { patterns }));
  }
  for (const [project, { files, exitCode, problem }] of outcomes) {
    // A test that was unjudged has made jest fail, whatever its repetition says.
    const explained = unjudgedFiles(files).length > 0;
    const results = await repeatUnjudged(project, files);
    tallies.push(tallyOf(project, results, explained ? 0 : exitCode));
    if (problem) tallies.push(oneFailed(`${project}: ${problem}`));
  }
  return add(tallies);

  /** Repeats each file whose bounds the machine was too busy to judge, alone; resolves with what counts in the end. */
  async function repeatUnjudged(project: string, files: JestOutcome['files']) {
    let results = files;
    for (const file of unjudgedFiles(files)) {
      if (interrupted.signal.aborted) break;
      console.log(`\nThe machine was too busy to judge ${file}: it is repeated alone.`);
      const again = await runClean(project, { files: [file] });
      results = afterRepetition(results, again.files);
    }
    return results;
  }
}

/** Runs with the socket of a Docker Engine in the environment; without an engine the suites that need one fail. */
async function withDocker(run: (engine: Engine) => Promise<Tally>): Promise<Tally> {
  let docker: Docker;
  try {
    docker = await startDocker();
  } catch (error) {
    console.error(error);
    return add([await run({}), oneFailed('no Docker Engine could be started')]);
  }
  const tally = await counted(() => run({ SPAWNER_TEST_DOCKER_SOCKET: docker.socketPath }));
  const ended = await counted(async () => {
    await docker.stop();
    return nothing;
  });
  return add([tally, ended]);
}
