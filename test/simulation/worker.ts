/** One process of workers.ts: runs its seeds one after the other, and reports how each ended. */

import { changeModules } from './mutations/changed-modules.ts';
import { changesOf } from './mutations/mutations.ts';
import type { Report } from './workers.ts';
import type { InvariantName } from './world/invariants.ts';

const { from, to, step, mutation, until } = JSON.parse(process.argv[2] ?? '{}') as {
  from: number;
  to: number;
  step: number;
  mutation?: string;
  until?: InvariantName;
};
// A stack is only of use to a reader, who runs the seed alone.
Error.stackTraceLimit = 0;
const changes = changesOf(mutation);
changeModules(changes);
const { simulate } = await import('./simulate.ts');

const report = (one: Report) => new Promise<void>((resolve) => process.send?.(one, () => resolve()));

for (let seed = from; seed < to; seed += step) {
  const before = process.cpuUsage();
  try {
    const { violation, hash, counts } = await simulate(seed, { changes, judged: until });
    const { user, system } = process.cpuUsage(before);
    await report({ seed, violation, hash, counts, processorMs: (user + system) / 1_000 });
  } catch (error) {
    await report({ seed, error: String(error) });
    break;
  }
}
process.disconnect();
