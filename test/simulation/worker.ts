/** One process of workers.ts: runs its seeds one after the other and says how each ended. */

import { mutateModules } from './mutations/mutated-modules.ts';
import { MUTATIONS } from './mutations/mutations.ts';
import type { Word } from './workers.ts';

const { from, to, step, mutation } = JSON.parse(process.argv[2] ?? '{}') as {
  from: number;
  to: number;
  step: number;
  mutation?: string;
};
// Who wants to see where an error comes from runs its seed by itself.
Error.stackTraceLimit = 0;
const changed = MUTATIONS[mutation ?? ''] ?? {};
mutateModules(changed.modules ?? []);
const { simulate } = await import('./simulate.ts');
for (let seed = from; seed < to; seed += step) {
  const before = process.cpuUsage();
  const { violation, hash } = await simulate(seed, { changed });
  const { user, system } = process.cpuUsage(before);
  const word: Word = { seed, violation, hash, processorMs: (user + system) / 1_000 };
  await new Promise<void>((resolve) => process.send?.(word, () => resolve()));
}
process.disconnect();
