/** Runs a plan of checks and suites with one Docker Engine for all, and ends with one line that counts everything. */
import { join } from 'node:path';
import { type Docker, startDocker, tempDir } from '@spawner/testkit';
import { runChecks } from './checks.ts';
import { runJest } from './jest-run.ts';
import { add, closingLine, nothing, oneFailed, type Tally } from './tally.ts';

interface Plan {
  checks: boolean;
  projects: string[];
  patterns: string[];
  docker: boolean;
}

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

/** Whatever goes wrong in the running itself is a failure like any other: the closing line always comes. */
async function counted(run: () => Promise<Tally>): Promise<Tally> {
  try {
    return await run();
  } catch (error) {
    console.error(error);
    return oneFailed('the run itself failed; the error stands above');
  }
}

async function runProjects(env: Record<string, string>): Promise<Tally> {
  await using dir = await tempDir('results');
  const tallies: Tally[] = [];
  for (const project of projects) {
    if (interrupted.signal.aborted) break;
    tallies.push(await runJest({ root, dir: dir.path, project, patterns, env, signal: interrupted.signal }));
  }
  return add(tallies);
}

/** Runs with the socket of a Docker Engine in the environment; without one, the suites that need it fail by themselves. */
async function withDocker(run: (env: Record<string, string>) => Promise<Tally>): Promise<Tally> {
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
