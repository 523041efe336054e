/**
 * `npm run up` for the second time: from its start until it says that everything is ready, and the memory of the six services at
 * rest after that. With `against`, the `up` of another checkout is started in turn with ours. Each has a Docker Engine of its own
 * that runs already, because two checkouts may give different demos the same image name.
 */
import { resolve } from 'node:path';
import { startDockerDaemon } from '@spawner/testkit';
import { ROOT } from '../cluster/service-process.ts';
import type { Figures, Options } from './benchmark.ts';
import { median, rotated, rounded } from './statistics.ts';
import { startUp, type UpRun } from './up/start.ts';

const ROUNDS = 5;
const QUICK_ROUNDS = 3;
/** The first start builds the demo's image and compiles programs. */
const WARM_UPS = 2;

export async function bench({ quick, against }: Options): Promise<Figures> {
  const rounds = quick ? QUICK_ROUNDS : ROUNDS;
  await using stack = new AsyncDisposableStack();
  const trees = [ROOT, ...(against === undefined ? [] : [resolve(against)])];
  const ways: { tree: string; socketPath: string; runs: UpRun[] }[] = [];
  for (const tree of trees) {
    const { socketPath } = stack.use(await startDockerDaemon());
    ways.push({ tree, socketPath, runs: [] });
  }
  for (let round = -WARM_UPS; round < rounds; round++)
    for (const { tree, socketPath, runs } of rotated(ways, round + WARM_UPS)) {
      const run = await startUp(tree, socketPath, { rest: round >= 0 });
      if (round >= 0) runs.push(run);
    }
  console.table(Object.fromEntries(ways.map(({ tree, runs }) => [tree, summary(runs)])));
  const [ours, other] = ways.map(({ runs }) => medians(runs));
  return {
    rounds,
    ready_median_ms: rounded(ours!.readyMs),
    processor_median_ms: rounded(ours!.processorMs),
    services_mib: rounded(ours!.mib),
    ...(other && {
      other_ready_median_ms: rounded(other.readyMs),
      other_processor_median_ms: rounded(other.processorMs),
      other_services_mib: rounded(other.mib),
      ready_to_other: rounded(ours!.readyMs / other.readyMs, 3),
      processor_to_other: rounded(ours!.processorMs / other.processorMs, 3),
      services_mib_to_other: rounded(ours!.mib / other.mib, 3),
    }),
  };
}

function medians(runs: readonly UpRun[]) {
  return {
    readyMs: median(runs.map(({ readyMs }) => readyMs)),
    processorMs: median(runs.map(({ processorMs }) => processorMs)),
    mib: median(runs.map(({ services }) => total(services))),
  };
}

function summary(runs: readonly UpRun[]) {
  const { readyMs, processorMs, mib } = medians(runs);
  const times = runs.map((run) => run.readyMs);
  const names = Object.keys(runs[0]?.services ?? {});
  return {
    'ready, min ms': rounded(Math.min(...times)),
    'median ms': rounded(readyMs),
    'max ms': rounded(Math.max(...times)),
    'processor ms': rounded(processorMs),
    'services, MiB': rounded(mib),
    ...Object.fromEntries(
      names.map((name) => [name, rounded(median(runs.map(({ services }) => services[name] ?? Number.NaN)))]),
    ),
  };
}

function total(services: Readonly<Record<string, number>>): number {
  return Object.values(services).reduce((sum, mib) => sum + mib, 0);
}
