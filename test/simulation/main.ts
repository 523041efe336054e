/** `npm run simulate -- --seeds N [--seed S] [--from S] [--trace] [--mutation NAME]`: worlds of seeds, two at a time. */
import { parseArgs } from 'node:util';
import { mutateModules } from './mutations/mutated-modules.ts';
import { MUTATIONS } from './mutations/mutations.ts';
import { simulateMany } from './workers.ts';

const TAIL = 60;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    mutation: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
});
if (values.mutation !== undefined && !MUTATIONS[values.mutation])
  throw new Error(`there is no such mutation; there are:\n  ${Object.keys(MUTATIONS).join('\n  ')}`);
process.exitCode = await (values.seed === undefined
  ? many(Number(values.from), Number(values.seeds))
  : one(Number(values.seed)));

async function one(seed: number): Promise<number> {
  const changed = MUTATIONS[values.mutation ?? ''] ?? {};
  mutateModules(changed.modules ?? []);
  const { simulate } = await import('./simulate.ts');
  const { violation, hash, events, lines } = await simulate(seed, { telling: true, changed });
  if (values.trace || violation) console.log(lines.slice(values.trace ? 0 : -TAIL).join('\n'));
  console.log(`seed ${seed}: ${violation ?? 'every invariant held'} (trace ${hash}, ${events} notes)`);
  return violation ? 1 : 0;
}

async function many(from: number, count: number): Promise<number> {
  const began = performance.now();
  const { failures, done, processorMs } = await simulateMany({ from, count, mutation: values.mutation });
  for (const { seed, violation } of failures)
    console.log(`seed ${seed}: ${violation}\n  again: npm run simulate -- --seed ${seed}`);
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  const each = (processorMs / Math.max(1, done)).toFixed(1);
  console.log(`${done} seeds in ${seconds} s, ${each} ms of processor each: ${failures.length} failed`);
  return failures.length > 0 || done < count ? 1 : 0;
}
